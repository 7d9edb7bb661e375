-- Who comes in, and by what proof.

local names = require "names"
local server = require "server"

-- Older configurations have the older word.
local SAME = { ["without-password"] = "prohibit-password" }

control "sshd-root-login" {
  title = "root comes in only as far as the site means it to",
  impact = 0.9,
  desc = "PermitRootLogin, for root with the Match blocks that name root too, is one of permit_root_login.",
  rationale = "Every scanner knows the name, and behind a shared account nobody can be told from anybody.",
  fix = "PermitRootLogin no in sshd_config; systemctl reload ssh (sshd on Red Hat)",
  tags = { cis = "5.1.20", nist = { "AC-6", "IA-2" } },
  refs = server.REFS,
  only_if = server.installed,
  check = function()
    local path = attributes.sshd_config_path
    local ways = { [""] = sshd_config(path), [" for root"] = sshd_config { path = path, user = "root" } }
    for way, config in pairs(ways) do
      local value = config:effective("PermitRootLogin")
      describe(SAME[value] or value, "sshd's PermitRootLogin" .. way):it(one_of(attributes.permit_root_login))
    end
  end,
}

control "sshd-passwords" {
  title = "The server asks for keys, not for passwords",
  impact = 0.8,
  desc = "PasswordAuthentication and KbdInteractiveAuthentication are no. With password_authentication the control does not apply.",
  rationale = "Passwords are guessed, used twice and told to whoever asks nicely; keys are not.",
  fix = "PasswordAuthentication no and KbdInteractiveAuthentication no in sshd_config, once every user has a key.",
  tags = { nist = { "IA-2", "IA-5" } },
  refs = server.REFS,
  only_if = server.installed,
  check = function()
    if attributes.password_authentication then not_applicable "the site lets users log in with a password" end
    server.effective("PasswordAuthentication", eq "no")
    server.effective("KbdInteractiveAuthentication", eq "no")
  end,
}

control "sshd-public-keys" {
  title = "The server takes keys",
  impact = 0.6,
  desc = "PubkeyAuthentication is yes.",
  rationale = "Where keys are switched off, something weaker takes their place.",
  fix = "PubkeyAuthentication yes in sshd_config",
  tags = { nist = { "IA-2" } },
  refs = server.REFS,
  only_if = server.installed,
  check = function() server.effective("PubkeyAuthentication", eq "yes") end,
}

control "sshd-empty-passwords" {
  title = "An empty password is none",
  impact = 1.0,
  desc = "PermitEmptyPasswords is no.",
  rationale = "It takes one account somebody made in a hurry.",
  fix = "PermitEmptyPasswords no in sshd_config",
  tags = { cis = "5.1.19", nist = { "IA-5(1)" } },
  refs = server.REFS,
  only_if = server.installed,
  check = function() server.effective("PermitEmptyPasswords", eq "no") end,
}

control "sshd-host-based" {
  title = "No other machine vouches for its users",
  impact = 0.8,
  desc = "HostbasedAuthentication is no.",
  rationale = "root of the other machine could come in here as any user.",
  fix = "HostbasedAuthentication no in sshd_config",
  tags = { cis = "5.1.10", nist = { "IA-2", "CM-7" } },
  refs = server.REFS,
  only_if = server.installed,
  check = function() server.effective("HostbasedAuthentication", eq "no") end,
}

control "sshd-rhosts" {
  title = "Users name no machines to be trusted",
  impact = 0.7,
  desc = "IgnoreRhosts is yes.",
  rationale = "A .rhosts file would hand the decision who is trusted to each user.",
  fix = "IgnoreRhosts yes in sshd_config",
  tags = { cis = "5.1.11", nist = { "IA-2", "CM-7" } },
  refs = server.REFS,
  only_if = server.installed,
  check = function() server.effective("IgnoreRhosts", eq "yes") end,
}

control "sshd-kerberos" {
  title = "Tickets are taken only where Kerberos is used",
  impact = 0.4,
  desc = "GSSAPIAuthentication and KerberosAuthentication are no. With the attribute kerberos the control does not apply.",
  rationale = "It is much code that listens before anybody has logged in, for something most sites do not have.",
  fix = "GSSAPIAuthentication no in sshd_config",
  tags = { cis = "5.1.9", nist = { "CM-7" } },
  refs = server.REFS,
  only_if = server.installed,
  check = function()
    if attributes.kerberos then not_applicable "the site uses Kerberos" end
    server.effective("GSSAPIAuthentication", eq "no")
    describe(server.config()):its("KerberosAuthentication", any(absent, eq "no"))
  end,
}

control "sshd-strict-modes" {
  title = "Keys in a home directory others can write do not count",
  impact = 0.8,
  desc = "StrictModes is yes.",
  rationale = "Who can write to ~/.ssh of another user could add a key of their own.",
  fix = "StrictModes yes in sshd_config",
  tags = { nist = { "AC-3", "AC-6" } },
  refs = server.REFS,
  only_if = server.installed,
  check = function() server.effective("StrictModes", eq "yes") end,
}

control "sshd-authorized-keys" {
  title = "Keys of users are where they are looked for",
  impact = 0.6,
  desc = "AuthorizedKeysFile has values of authorized_keys_files only, and AuthorizedKeysCommand is none or one of authorized_keys_commands.",
  rationale = "A second file of keys, or a program that prints some, is a back door that no look at ~/.ssh finds.",
  fix = "Take AuthorizedKeysFile and AuthorizedKeysCommand out of sshd_config, or add what is meant to the attributes.",
  tags = { nist = { "AC-2", "IA-5" } },
  refs = server.REFS,
  only_if = server.installed,
  check = function()
    local config = server.config()
    local files = names.beyond(config:effective("AuthorizedKeysFile") or {}, attributes.authorized_keys_files)
    describe(files, "sshd's files of keys beyond those meant"):it(empty)
    local commands = names.beyond({ config:effective("AuthorizedKeysCommand") }, attributes.authorized_keys_commands)
    describe(names.beyond(commands, { "none" }), "sshd's commands that print keys beyond those meant"):it(empty)
  end,
}

control "sshd-access-lists" {
  title = "Only users and groups that are named log in",
  impact = 0.6,
  desc = "There is AllowUsers or AllowGroups, with entries of allow_users and allow_groups only where those name any.",
  rationale = "Accounts come with packages and are forgotten; a list of who logs in is short and can be read.",
  fix = "AllowGroups ssh-users in sshd_config; gpasswd -a USER ssh-users",
  tags = { cis = "5.1.4", nist = { "AC-3", "AC-6" } },
  refs = server.REFS,
  only_if = server.installed,
  check = function()
    local config = server.config()
    local users, groups = config.AllowUsers or {}, config.AllowGroups or {}
    -- A `*` lets everybody in and names nobody.
    local named = #names.beyond(users, { "*" }) + #names.beyond(groups, { "*" })
    describe(named, "users and groups that sshd's AllowUsers and AllowGroups name"):it(at_least(1))
    if #attributes.allow_users > 0 then
      describe(names.beyond(users, attributes.allow_users), "sshd's AllowUsers beyond those meant"):it(empty)
    end
    if #attributes.allow_groups > 0 then
      describe(names.beyond(groups, attributes.allow_groups), "sshd's AllowGroups beyond those meant"):it(empty)
    end
  end,
}

control "sshd-pam" {
  title = "The server asks PAM",
  impact = 0.6,
  desc = "UsePAM is yes.",
  rationale = "Locks of accounts, limits and records of sessions are PAM's; they would not hold for those who come over the network.",
  fix = "UsePAM yes in sshd_config",
  tags = { cis = "5.1.22", nist = { "IA-2", "AC-2" } },
  refs = server.REFS,
  only_if = server.installed,
  check = function() server.effective("UsePAM", eq "yes") end,
}

control "sshd-match-blocks" {
  title = "No exceptions are made but those that are known",
  impact = 0.6,
  desc = "The conditions of every Match block are one of match_blocks.",
  rationale = "What this profile judges holds for connections no block speaks of; a block can take any of it back, for an address or a group.",
  fix = "Take the block out of sshd_config, or read it and add its conditions to match_blocks.",
  tags = { nist = { "CM-6", "AC-3" } },
  refs = server.REFS,
  only_if = server.installed,
  check = function()
    -- What `Match all` says is part of what is judged everywhere else.
    local blocks = names.beyond(server.config().Match or {}, { "all", "All", "ALL" })
    describe(names.beyond(blocks, attributes.match_blocks), "Match blocks of sshd beyond those known"):it(empty)
  end,
}
