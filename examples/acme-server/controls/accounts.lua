control "operators" {
  title = "Operators are there, each with a shell",
  impact = "high",
  desc = "Who has to repair the server at night has an account on it.",
  fix = "useradd --create-home NAME",
  tags = { "acme", nist = { "AC-2" } },

  check = function()
    for_each(attributes.operators, function(name)
      describe(user(name))
        :exists()
        :its("shell", matches(attributes.shell_pattern))
    end)
  end,
}

control "hashes" {
  title = "Password hashes are not readable by everybody",
  impact = "critical",
  desc = "Who reads a hash can guess the password at leisure.",
  tags = { "acme", nist = { "AC-6", "IA-5" } },

  check = function()
    describe(file "/etc/shadow")
      :exists()
      :is_not("readable_by", "other")
  end,
}
