-- Who there is: root, people, programs, and the homes they live in.

local accounts = require "accounts"

control "uid-0-only-root" {
  title = "root is the only account with user number 0",
  impact = 1.0,
  desc = "No second account has the number the kernel knows root by.",
  rationale = "A second name for root escapes every rule that names root: logs, sudo, sshd.",
  fix = "Give the other account a number of its own (usermod -u) or remove it.",
  tags = { cis = "5.4.2.1", nist = { "AC-2", "AC-6" } },
  refs = { { "passwd(5)", url = "https://man7.org/linux/man-pages/man5/passwd.5.html" } },
  check = function()
    describe(passwd():where { uid = 0 }.users, "users with number 0"):it(eq { "root" })
  end,
}

control "gid-0-only-root" {
  title = "Nobody but root has group 0 as primary group",
  impact = 0.7,
  desc = "root's primary group is 0, no other login account shares it, and group 0 has no members.",
  rationale = "Files that root leaves writable or readable by its group are open to everybody in group 0.",
  fix = "usermod -g 0 root; give the accounts named another primary group; gpasswd -d NAME root",
  tags = { cis = { "5.4.2.2", "5.4.2.3" }, nist = { "AC-6" } },
  refs = { { "group(5)", url = "https://man7.org/linux/man-pages/man5/group.5.html" } },
  check = function()
    local strangers, zero = {}, {}
    for _, row in ipairs(passwd():where { gid = 0 }.entries) do
      -- sync, shutdown, halt and operator share group 0 on Red Hat, and cannot log in.
      if row.user == "root" or accounts.sees_a_shell(row.shell) then strangers[#strangers + 1] = row.user end
    end
    for _, row in ipairs(etc_group().entries) do
      if row.gid == 0 then zero[#zero + 1] = row.group end
    end
    describe(strangers, "login accounts with primary group 0"):it(eq { "root" })
    describe(zero, "groups with number 0"):it(eq { "root" })
    describe(group("root").members, "members of group root"):it(any(empty, eq { "root" }))
  end,
}

control "unique-uids" {
  title = "Every account has a user number of its own",
  impact = 0.7,
  desc = "No user number occurs twice in /etc/passwd.",
  rationale = "Accounts that share a number share files and blame.",
  fix = "usermod -u NUMBER NAME, then chown the files the account keeps.",
  tags = { cis = "7.2.5", nist = { "IA-4", "AU-10" } },
  refs = { { "usermod(8)", url = "https://man7.org/linux/man-pages/man8/usermod.8.html" } },
  check = function()
    describe(accounts.repeated(passwd().uids), "user numbers given twice"):it(empty)
  end,
}

control "unique-gids" {
  title = "Every group has a group number of its own",
  impact = 0.5,
  desc = "No group number occurs twice in /etc/group.",
  rationale = "Groups that share a number share the rights of both.",
  fix = "groupmod -g NUMBER NAME, then chgrp the files of the group.",
  tags = { cis = "7.2.6", nist = { "IA-4" } },
  refs = { { "groupmod(8)", url = "https://man7.org/linux/man-pages/man8/groupmod.8.html" } },
  check = function()
    describe(accounts.repeated(etc_group().gids), "group numbers given twice"):it(empty)
  end,
}

control "unique-user-names" {
  title = "Every user name occurs once",
  impact = 0.7,
  desc = "No name stands twice in /etc/passwd.",
  rationale = "Only the first entry is used by name, the second still owns files: what an administrator sees is not what holds.",
  fix = "Remove or rename the second entry with vipw.",
  tags = { cis = "7.2.7", nist = { "IA-4" } },
  refs = { { "vipw(8)", url = "https://man7.org/linux/man-pages/man8/vipw.8.html" } },
  check = function()
    describe(accounts.repeated(passwd().users), "user names given twice"):it(empty)
  end,
}

control "unique-group-names" {
  title = "Every group name occurs once",
  impact = 0.5,
  desc = "No name stands twice in /etc/group.",
  rationale = "Only the first entry is found by name, so that membership is not what the file seems to say.",
  fix = "Remove or rename the second entry with vigr.",
  tags = { cis = "7.2.8", nist = { "IA-4" } },
  refs = { { "vigr(8)", url = "https://man7.org/linux/man-pages/man8/vipw.8.html" } },
  check = function()
    describe(accounts.repeated(etc_group().groups), "group names given twice"):it(empty)
  end,
}

control "primary-groups-exist" {
  title = "The primary group of every account exists",
  impact = 0.5,
  desc = "Every group number in /etc/passwd is one of /etc/group.",
  rationale = "The next group that is made may get the free number, and with it the files of that account.",
  fix = "groupadd -g NUMBER NAME, or give the account another primary group with usermod -g.",
  tags = { cis = "7.2.3", nist = { "IA-4", "AC-2" } },
  refs = { { "passwd(5)", url = "https://man7.org/linux/man-pages/man5/passwd.5.html" } },
  check = function()
    local known, lost = {}, {}
    for _, gid in ipairs(etc_group().gids) do known[gid] = true end
    for _, row in ipairs(passwd().entries) do
      if not known[row.gid] then lost[#lost + 1] = row.user end
    end
    describe(lost, "accounts whose primary group does not exist"):it(empty)
  end,
}

control "shadow-group-empty" {
  title = "Nobody is a member of group shadow",
  impact = 0.7,
  desc = "The group shadow has no members and is nobody's primary group.",
  rationale = "Its members may read every password hash.",
  fix = "gpasswd -d NAME shadow; usermod -g OTHER NAME for an account whose primary group it is.",
  tags = { cis = "7.2.4", nist = { "AC-6", "IA-5(1)" } },
  refs = { { "shadow(5)", url = "https://man7.org/linux/man-pages/man5/shadow.5.html" } },
  only_if = function() return group("shadow").exists, "there is no group shadow" end,
  check = function()
    local shadow_group = group "shadow"
    describe(shadow_group):its("members", empty)
    describe(passwd():where { gid = shadow_group.gid }.users, "accounts with shadow as primary group"):it(empty)
  end,
}

control "system-accounts-no-shell" {
  title = "Accounts of programs cannot log in",
  impact = 0.7,
  desc = "Accounts below UID_MIN, root aside, have a shell that refuses logins; system_shells_allowed names exceptions.",
  rationale = "A service that is taken over should not come with a shell to log in to.",
  fix = "usermod -s /usr/sbin/nologin NAME",
  tags = { cis = "5.4.2.7", nist = { "AC-2", "AC-6" } },
  refs = { { "nologin(8)", url = "https://man7.org/linux/man-pages/man8/nologin.8.html" } },
  check = function()
    local open = {}
    for _, row in ipairs(accounts.system()) do
      local excused = false
      for _, name in ipairs(attributes.system_shells_allowed) do excused = excused or name == row.user end
      if not excused and accounts.sees_a_shell(row.shell) then open[#open + 1] = row.user end
    end
    describe(open, "accounts of programs with a login shell"):it(empty)
  end,
}

control "system-accounts-locked" {
  title = "Accounts of programs have no password",
  impact = 0.5,
  desc = "The password of every account below UID_MIN, root aside, is locked.",
  rationale = "A password nobody is meant to use is one nobody changes.",
  fix = "usermod -L NAME",
  tags = { cis = "5.4.2.8", nist = { "AC-2", "IA-5" } },
  refs = { { "usermod(8)", url = "https://man7.org/linux/man-pages/man8/usermod.8.html" } },
  only_if = function() return file("/etc/shadow").exists, "there is no /etc/shadow" end,
  check = function()
    local hashed, open = {}, {}
    for _, name in ipairs(shadow():where { password_status = "set" }.users) do hashed[name] = true end
    for _, row in ipairs(accounts.system()) do
      if hashed[row.user] then open[#open + 1] = row.user end
    end
    describe(open, "accounts of programs with a password"):it(empty)
  end,
}

control "password-hashes-strong" {
  title = "Passwords are stored with a hash that is slow to guess",
  impact = 0.8,
  desc = "Every stored hash is of one of the schemes in password_hash_schemes.",
  rationale = "A graphics card tries billions of MD5 or DES passwords a second; the schemes of today are made to prevent that.",
  fix = "Set the scheme for new passwords (pam_unix), then have the accounts named set a new password: chage -d 0 NAME.",
  tags = { cis = "5.4.1.4", nist = { "IA-5(1)", "SC-13" } },
  refs = { { "crypt(5)", url = "https://man7.org/linux/man-pages/man5/crypt.5.html" } },
  only_if = function() return file("/etc/shadow").exists, "there is no /etc/shadow" end,
  check = function()
    local strong, weak = {}, {}
    for _, scheme in ipairs(attributes.password_hash_schemes) do strong[scheme] = true end
    for _, row in ipairs(shadow():where { algorithm = no(absent) }.entries) do
      if not strong[row.algorithm] then weak[#weak + 1] = row.user .. ": " .. row.algorithm end
    end
    describe(weak, "accounts with a weak password hash"):it(empty)
  end,
}

control "password-ageing-applied" {
  title = "The passwords of people expire as the site has decided",
  impact = 0.5,
  desc = "No person's account has a maximum password age beyond password_max_days, or none.",
  rationale = "login.defs governs new accounts only; those that were there before keep what they had.",
  fix = "chage -M DAYS NAME",
  tags = { cis = "5.4.1.1", nist = { "IA-5(1)" } },
  refs = { { "chage(1)", url = "https://man7.org/linux/man-pages/man1/chage.1.html" } },
  only_if = function() return file("/etc/shadow").exists, "there is no /etc/shadow" end,
  check = function()
    local late = {}
    for _, row in ipairs(shadow():where { password_status = "set" }.entries) do
      if not row.max_days or row.max_days < 0 or row.max_days > attributes.password_max_days then
        late[#late + 1] = row.user
      end
    end
    describe(late, "accounts whose password does not expire in time"):it(empty)
  end,
}

control "password-change-not-in-future" {
  title = "No password was changed in the future",
  impact = 0.3,
  desc = "The date of the last change of every password lies in the past.",
  rationale = "A date to come puts off expiry and hides that the clock or the file was tampered with.",
  fix = "chage -d $(date +%F) NAME, once it is clear how the date came about.",
  tags = { cis = "5.4.1.6", nist = { "IA-5(1)" } },
  refs = { { "shadow(5)", url = "https://man7.org/linux/man-pages/man5/shadow.5.html" } },
  only_if = function() return file("/etc/shadow").exists, "there is no /etc/shadow" end,
  check = function()
    local ahead = {}
    for_each(shadow().users, function(name)
      -- A day of grace: the file counts days in UTC, the person sat in some time zone.
      local age = user(name).password_age_days
      if age and age < -1 then ahead[#ahead + 1] = name end
    end)
    describe(ahead, "accounts whose password was changed in the future"):it(empty)
  end,
}

control "inactive-accounts-lock" {
  title = "New accounts are locked some time after their password has expired",
  impact = 0.3,
  desc = "INACTIVE in /etc/default/useradd is set and at most inactive_days.",
  rationale = "An account nobody uses is an account nobody watches.",
  fix = "useradd -D -f DAYS; chage --inactive DAYS NAME for the accounts that are there",
  tags = { cis = "5.4.1.5", nist = { "AC-2(3)" } },
  refs = { { "useradd(8)", url = "https://man7.org/linux/man-pages/man8/useradd.8.html" } },
  only_if = function() return file("/etc/default/useradd").exists, "useradd has no defaults here" end,
  check = function()
    describe(parse_config_file "/etc/default/useradd"):its("INACTIVE", between(0, attributes.inactive_days))
  end,
}

control "homes-exist" {
  title = "Every person has a home of their own",
  impact = 0.5,
  desc = "The home directory of every person's account exists and belongs to that account.",
  rationale = "Without a home a login starts in /, and a home of somebody else is that somebody's to fill.",
  fix = "mkhomedir_helper NAME; chown NAME: HOME",
  tags = { cis = "7.2.9", nist = { "AC-3", "AC-6" } },
  refs = { { "useradd(8)", url = "https://man7.org/linux/man-pages/man8/useradd.8.html" } },
  check = function()
    local people = accounts.people()
    if #people == 0 then not_applicable("nobody but root can log in") end
    for_each(people, function(person)
      describe(directory(person.home)):exists():is("owned_by", person.user)
    end)
  end,
}

control "homes-closed" {
  title = "Homes are closed to others",
  impact = 0.5,
  desc = "The home directory of every person's account has no permission beyond home_mode.",
  rationale = "Homes hold keys, histories and tokens; one that can be written is an account that can be taken.",
  fix = "chmod g-w,o-rwx HOME",
  tags = { cis = "7.2.9", nist = { "AC-3", "AC-6" } },
  refs = { { "chmod(1)", url = "https://man7.org/linux/man-pages/man1/chmod.1.html" } },
  check = function()
    local people = accounts.people()
    if #people == 0 then not_applicable("nobody but root can log in") end
    for_each(people, function(person)
      local home = directory(person.home)
      if home.exists then describe(home):its("mode", at_most(attributes.home_mode)) end
    end)
    pass("no home is open beyond " .. attributes.home_mode)
  end,
}

control "root-home-closed" {
  title = "The home of root is root's alone",
  impact = 0.7,
  desc = "The directory belongs to root and is closed to everybody else.",
  rationale = "It holds keys, histories and scripts that root runs.",
  fix = "chown root:root /root; chmod 0700 /root",
  tags = { nist = { "AC-3", "AC-6" } },
  refs = { { "passwd(5)", url = "https://man7.org/linux/man-pages/man5/passwd.5.html" } },
  check = function()
    -- Red Hat ships 0550: the owner's own bits do not matter, root passes them.
    describe(directory(user("root").home)):exists():is("owned_by", "root"):its("mode", at_most "0700")
  end,
}

control "dot-files-closed" {
  title = "Start-up files in homes cannot be written by others",
  impact = 0.7,
  desc = "Files whose name begins with a dot in the homes of root and of people are not writable by group or others.",
  rationale = "A line added to .bashrc or .ssh/rc is run by its owner at the next login.",
  fix = "chmod go-w FILE",
  tags = { cis = "7.2.10", nist = { "AC-3", "CM-5" } },
  refs = { { "bash(1)", url = "https://man7.org/linux/man-pages/man1/bash.1.html" } },
  check = function()
    local homes, open = { user("root").home }, {}
    for _, person in ipairs(accounts.people()) do homes[#homes + 1] = person.home end
    for_each(homes, function(home)
      if directory(home).exists then
        local files = find(home, { type = "file", name = ".*", max_depth = 1, any_mode = "0022" })
        for _, path in ipairs(files.paths) do open[#open + 1] = path end
      end
    end)
    describe(open, "start-up files that others can write"):it(empty)
  end,
}

control "no-trust-files" {
  title = "No files let other machines or stored passwords in",
  impact = 0.8,
  desc = "There is no /etc/hosts.equiv or shosts.equiv, and no .rhosts, .shosts, .netrc or .forward in a home.",
  rationale = "They trust a name on the network, keep a password in clear, or send root's mail to a stranger.",
  fix = "Remove the files named; use SSH keys in place of them.",
  tags = { cis = "7.2.10", nist = { "IA-2", "CM-7" } },
  refs = { { "hosts.equiv(5)", url = "https://man7.org/linux/man-pages/man5/hosts.equiv.5.html" } },
  check = function()
    local paths = { "/etc/hosts.equiv", "/etc/ssh/shosts.equiv", "/etc/shosts.equiv" }
    local homes = { user("root").home }
    for _, person in ipairs(accounts.people()) do homes[#homes + 1] = person.home end
    for _, home in ipairs(homes) do
      for _, name in ipairs { ".rhosts", ".shosts", ".netrc", ".forward" } do
        paths[#paths + 1] = home .. "/" .. name
      end
    end
    local found = {}
    for_each(paths, function(path)
      if file(path).exists then found[#found + 1] = path end
    end)
    describe(found, "files that extend trust"):it(empty)
  end,
}

control "root-path" {
  title = "Nobody but root can put a program into root's PATH",
  impact = 0.9,
  desc = "root's search path has no empty or relative element, and each directory in it belongs to root and is not writable by others.",
  rationale = "A program named ls in a writable directory is run by root sooner or later.",
  fix = "Correct ENV_SUPATH in /etc/login.defs; chown root DIRECTORY; chmod go-w DIRECTORY",
  tags = { cis = "5.4.2.5", nist = { "CM-5", "AC-6" } },
  refs = { { "login.defs(5)", url = "https://man7.org/linux/man-pages/man5/login.defs.5.html" } },
  check = function()
    local line = login_defs().ENV_SUPATH or attributes.root_path
    local path = tostring(line):gsub("^PATH=", "")
    local directories, wrong = {}, {}
    for element in (path .. ":"):gmatch("([^:]*):") do
      if element:sub(1, 1) == "/" then
        directories[#directories + 1] = element
      else
        wrong[#wrong + 1] = element == "" and "(empty)" or element
      end
    end
    describe(wrong, "elements of root's PATH that are not absolute"):it(empty)
    for_each(directories, function(name)
      local place = directory(name)
      if place.exists then
        describe(place):is("owned_by", "root"):is_not("writable_by", "group"):is_not("writable_by", "other")
      end
    end)
  end,
}
