-- A control states one requirement. Its metadata is plain data; only `check` looks at a node.

control "passwd-file" {
  title = "Only root can change /etc/passwd",
  impact = 1.0,
  desc = "The user database belongs to root, and nobody else may write it.",
  rationale = "Whoever can write this file can make themselves root.",
  fix = "chown root /etc/passwd; chmod go-w /etc/passwd",
  tags = { topic = "accounts" },
  refs = { { "passwd(5)", url = "https://man7.org/linux/man-pages/man5/passwd.5.html" } },

  check = function()
    describe(file "/etc/passwd")
      :exists()
      :is("owned_by", "root")
      :is_not("writable_by", "group")
      :is_not("writable_by", "other")
  end,
}

control "one-root" {
  title = "No account but root has the user number 0",
  impact = 0.9,
  desc = "Every account with the number 0 is root, whatever its name.",
  fix = "Remove the other accounts, or give them numbers of their own.",
  tags = { topic = "accounts" },

  check = function()
    -- for_each asks for all its bodies need in one go; a plain for would ask one by one.
    for_each(passwd():where { uid = 0 }.users, function(user)
      describe(user, "user with uid 0"):it(eq "root")
    end)
  end,
}

control "shared-folders" {
  title = "Shared folders keep users from each other's files",
  impact = 0.7,
  desc = "In a folder that everybody may write to, the sticky bit lets only owners remove files.",
  fix = "chmod +t FOLDER",
  tags = { topic = "files" },

  check = function()
    -- Which folders these are is for the site to say: see attributes in profile.yml.
    for_each(attributes.shared_folders, function(path)
      describe(directory(path)):is("sticky")
    end)
  end,
}
