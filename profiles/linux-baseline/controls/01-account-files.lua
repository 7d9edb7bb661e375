-- The files that say who there is: their owners, groups and permissions.

control "passwd-file" {
  title = "Only root can change /etc/passwd",
  impact = 1.0,
  desc = "The user database belongs to root and nobody else may write it; everybody may read it.",
  rationale = "Whoever can write this file can give any account the user number 0.",
  fix = "chown root:root /etc/passwd; chmod 0644 /etc/passwd",
  tags = { cis = "7.1.1", nist = { "AC-3", "AC-6" } },
  refs = { { "passwd(5)", url = "https://man7.org/linux/man-pages/man5/passwd.5.html" } },
  check = function()
    describe(file "/etc/passwd")
      :is("file")
      :is("owned_by", "root")
      :its("group", eq "root")
      :its("mode", at_most "0644")
      :is("readable_by", "other")
  end,
}

control "group-file" {
  title = "Only root can change /etc/group",
  impact = 1.0,
  desc = "The group database belongs to root and nobody else may write it; everybody may read it.",
  rationale = "Whoever can write this file can join sudo, shadow, disk or docker and is root soon after.",
  fix = "chown root:root /etc/group; chmod 0644 /etc/group",
  tags = { cis = "7.1.3", nist = { "AC-3", "AC-6" } },
  refs = { { "group(5)", url = "https://man7.org/linux/man-pages/man5/group.5.html" } },
  check = function()
    describe(file "/etc/group")
      :is("file")
      :is("owned_by", "root")
      :its("group", eq "root")
      :its("mode", at_most "0644")
      :is("readable_by", "other")
  end,
}

control "shadow-file" {
  title = "Password hashes are out of reach of ordinary users",
  impact = 1.0,
  desc = "/etc/shadow belongs to root, is readable by no group but root's or shadow's, and closed to everybody else.",
  rationale = "Hashes that can be read can be guessed at leisure on another machine.",
  fix = "chown root:shadow /etc/shadow (root:root where there is no group shadow); chmod 0640 /etc/shadow",
  tags = { cis = "7.1.5", nist = { "AC-3", "IA-5(1)" } },
  refs = { { "shadow(5)", url = "https://man7.org/linux/man-pages/man5/shadow.5.html" } },
  only_if = function() return file("/etc/shadow").exists, "there is no /etc/shadow" end,
  check = function()
    describe(file "/etc/shadow")
      :is("file")
      :is("owned_by", "root")
      :its("group", one_of { "root", "shadow" })
      :its("mode", at_most "0640")
  end,
}

control "gshadow-file" {
  title = "Group passwords are out of reach of ordinary users",
  impact = 0.7,
  desc = "/etc/gshadow belongs to root, is readable by no group but root's or shadow's, and closed to everybody else.",
  rationale = "A group password that is guessed lets any user join the group with newgrp.",
  fix = "chown root:shadow /etc/gshadow (root:root where there is no group shadow); chmod 0640 /etc/gshadow",
  tags = { cis = "7.1.7", nist = { "AC-3", "IA-5(1)" } },
  refs = { { "gshadow(5)", url = "https://man7.org/linux/man-pages/man5/gshadow.5.html" } },
  only_if = function() return file("/etc/gshadow").exists, "there is no /etc/gshadow" end,
  check = function()
    describe(file "/etc/gshadow")
      :is("file")
      :is("owned_by", "root")
      :its("group", one_of { "root", "shadow" })
      :its("mode", at_most "0640")
  end,
}

control "account-file-backups" {
  title = "Copies of the account databases are as closed as the databases",
  impact = 0.7,
  desc = "passwd- and group- may be written by root alone; shadow- and gshadow- may not be read by others either.",
  rationale = "The copies hold the state before the last change, hashes included, and are easily forgotten.",
  fix = "chmod u-x,go-wx /etc/passwd- /etc/group-; chmod 0640 /etc/shadow- /etc/gshadow-; chown root /etc/*-",
  tags = { cis = { "7.1.2", "7.1.4", "7.1.6", "7.1.8" }, nist = { "AC-3" } },
  refs = { { "shadow(5)", url = "https://man7.org/linux/man-pages/man5/shadow.5.html" } },
  check = function()
    local limits = {
      ["/etc/passwd-"] = "0644",
      ["/etc/group-"] = "0644",
      ["/etc/shadow-"] = "0640",
      ["/etc/gshadow-"] = "0640",
    }
    local paths = {}
    for path in pairs(limits) do paths[#paths + 1] = path end
    local any = false
    for_each(paths, function(path)
      local copy = file(path)
      if copy.exists then
        any = true
        describe(copy):is("owned_by", "root"):its("group", one_of { "root", "shadow" }):its("mode", at_most(limits[path]))
      end
    end)
    if not any then not_applicable("there are no copies of the account databases") end
  end,
}

control "opasswd-file" {
  title = "Earlier passwords are readable by root alone",
  impact = 0.7,
  desc = "/etc/security/opasswd, where PAM keeps the hashes of earlier passwords, is closed to all but root.",
  rationale = "People vary old passwords; an old hash that is guessed is half of the new password.",
  fix = "chown root:root /etc/security/opasswd; chmod 0600 /etc/security/opasswd",
  tags = { cis = "7.1.10", nist = { "AC-3", "IA-5(1)" } },
  refs = { { "pam_pwhistory(8)", url = "https://man7.org/linux/man-pages/man8/pam_pwhistory.8.html" } },
  only_if = function() return file("/etc/security/opasswd").exists, "no earlier passwords are kept" end,
  check = function()
    describe(file "/etc/security/opasswd"):is("owned_by", "root"):its("group", eq "root"):its("mode", at_most "0600")
  end,
}

control "shells-file" {
  title = "/etc/shells lists no shell that refuses logins",
  impact = 0.3,
  desc = "nologin and false are not among the valid login shells, and only root may change the list.",
  rationale = "Services such as FTP take a shell in this list as leave to log in.",
  fix = "Remove every line that ends in nologin or false from /etc/shells; chown root:root and chmod 0644 the file.",
  tags = { cis = { "5.4.3.1", "7.1.9" }, nist = { "AC-3", "CM-7" } },
  refs = { { "shells(5)", url = "https://man7.org/linux/man-pages/man5/shells.5.html" } },
  only_if = function() return file("/etc/shells").exists, "there is no /etc/shells" end,
  check = function()
    describe(file "/etc/shells")
      :is("owned_by", "root")
      :its("mode", at_most "0644")
      :its("content", no(matches [[^\s*/\S*/(nologin|false)\s*$]]))
  end,
}

control "password-database-shadowed" {
  title = "No password hash stands in /etc/passwd",
  impact = 1.0,
  desc = "Every account has an x where the hash once stood: the hash is in /etc/shadow.",
  rationale = "Everybody can read /etc/passwd.",
  fix = "pwconv moves hashes into /etc/shadow; lock accounts that have no password with passwd -l.",
  tags = { cis = "7.2.1", nist = { "IA-5(1)" } },
  refs = { { "pwconv(8)", url = "https://man7.org/linux/man-pages/man8/pwconv.8.html" } },
  check = function()
    describe(passwd():where { password = ne "x" }.users, "accounts whose password is not shadowed"):it(empty)
  end,
}

control "no-empty-passwords" {
  title = "No account can be entered without a password",
  impact = 1.0,
  desc = "No entry of /etc/shadow has an empty password field.",
  rationale = "An empty field means: let everybody in.",
  fix = "passwd -l NAME for each account named, then find out who used it.",
  tags = { cis = "7.2.2", nist = { "IA-5(1)", "AC-2" } },
  refs = { { "shadow(5)", url = "https://man7.org/linux/man-pages/man5/shadow.5.html" } },
  only_if = function() return file("/etc/shadow").exists, "there is no /etc/shadow" end,
  check = function()
    describe(shadow():where { password_status = "empty" }.users, "accounts with an empty password"):it(empty)
  end,
}

control "no-legacy-entries" {
  title = "No NIS plus signs are left in the account databases",
  impact = 0.7,
  desc = "No line of passwd, shadow or group begins with +.",
  rationale = "Such a line pulls in accounts from a network map, or is itself an account named +.",
  fix = "Delete the lines that begin with + from /etc/passwd, /etc/shadow and /etc/group.",
  tags = { nist = { "AC-2", "IA-2" } },
  refs = { { "nsswitch.conf(5)", url = "https://man7.org/linux/man-pages/man5/nsswitch.conf.5.html" } },
  check = function()
    local found = {}
    for_each({ "/etc/passwd", "/etc/group", "/etc/shadow" }, function(path)
      local number = 0
      for line in ((file(path).content or "") .. "\n"):gmatch("([^\n]*)\n") do
        number = number + 1
        if line:sub(1, 1) == "+" then found[#found + 1] = path .. ":" .. number end
      end
    end)
    describe(found, "lines that begin with +"):it(empty)
  end,
}

control "account-lines-well-formed" {
  title = "Every line of the account databases is an account or a group",
  impact = 0.4,
  desc = "No line of passwd, group or shadow is one that readers skip.",
  rationale = "Programs disagree on what a broken line means; one may see an account where another sees none.",
  fix = "pwck; grpck; then mend the lines with vipw and vigr",
  tags = { nist = { "AC-2", "IA-4" } },
  refs = { { "pwck(8)", url = "https://man7.org/linux/man-pages/man8/pwck.8.html" } },
  check = function()
    describe(passwd()):its("skipped_lines", empty)
    describe(etc_group()):its("skipped_lines", empty)
    if file("/etc/shadow").exists then describe(shadow()):its("skipped_lines", empty) end
  end,
}
