-- What new accounts and new passwords are given.

local config = require "config"
local when = require "when"
local LOGIN_DEFS = { { "login.defs(5)", url = "https://man7.org/linux/man-pages/man5/login.defs.5.html" } }
local has_login_defs = when.has("/etc/login.defs", "shadow (login.defs)")

-- The files every login shell reads: Red Hat's and Debian's.
local function shell_files()
  local files = config.files("/etc/profile", "/etc/profile.d", "*.sh")
  files[#files + 1] = "/etc/bashrc"
  files[#files + 1] = "/etc/bash.bashrc"
  return files
end

control "password-ageing" {
  title = "New passwords expire, with warning",
  impact = 0.5,
  desc = "login.defs bounds the age of passwords (PASS_MAX_DAYS), keeps them a while (PASS_MIN_DAYS) and warns before (PASS_WARN_AGE).",
  rationale = "A password that leaked works until somebody changes it.",
  fix = "Set PASS_MAX_DAYS, PASS_MIN_DAYS and PASS_WARN_AGE in /etc/login.defs.",
  tags = { cis = { "5.4.1.1", "5.4.1.2", "5.4.1.3" }, nist = { "IA-5(1)" } },
  refs = LOGIN_DEFS,
  only_if = has_login_defs,
  check = function()
    describe(login_defs())
      :its("PASS_MAX_DAYS", between(1, attributes.password_max_days))
      :its("PASS_MIN_DAYS", at_least(attributes.password_min_days))
      :its("PASS_WARN_AGE", at_least(attributes.password_warn_days))
  end,
}

control "login-umask" {
  title = "New homes and files are closed to others",
  impact = 0.5,
  desc = "UMASK in login.defs takes away at least what umask names.",
  rationale = "What is open by default is open by accident.",
  fix = "Set UMASK 027 in /etc/login.defs.",
  tags = { cis = "5.4.3.3", nist = { "AC-3", "AC-6" } },
  refs = LOGIN_DEFS,
  only_if = has_login_defs,
  check = function()
    local strict = tonumber(attributes.umask, 8)
    local value = tostring(login_defs().UMASK or "022")
    describe(tonumber(value, 8) & strict == strict, "UMASK " .. value .. " takes away all of " .. attributes.umask):it(eq(true))
  end,
}

control "shell-umask" {
  title = "No start-up file of the shells widens the umask",
  impact = 0.5,
  desc = "A umask set in /etc/profile, /etc/profile.d or the bashrc of the system takes away at least what umask names.",
  rationale = "The last umask wins, and a line in a package's script can undo login.defs.",
  fix = "Write umask 027 in the files named, or remove their umask lines.",
  tags = { cis = "5.4.3.3", nist = { "AC-3", "AC-6" } },
  refs = { { "umask(1p)", url = "https://man7.org/linux/man-pages/man1/umask.1p.html" } },
  check = function()
    local strict, wide = tonumber(attributes.umask, 8), {}
    config.each_line(shell_files(), function(line, path)
      local value = line:match("^%s*umask%s+([0-7]+)")
      if value and tonumber(value, 8) & strict ~= strict then wide[#wide + 1] = path .. ": umask " .. value end
    end)
    describe(wide, "start-up files with a wide umask"):it(empty)
  end,
}

control "shell-timeout" {
  title = "Idle shells end",
  impact = 0.4,
  desc = "TMOUT is set, read-only and exported, to at most shell_timeout seconds, in /etc/profile, /etc/profile.d or the bashrc of the system.",
  rationale = "A shell somebody walked away from is anybody's.",
  fix = "Put `readonly TMOUT=900; export TMOUT` into /etc/profile.d/tmout.sh.",
  tags = { cis = "5.4.3.2", nist = { "AC-11", "AC-12" } },
  refs = { { "bash(1)", url = "https://man7.org/linux/man-pages/man1/bash.1.html" } },
  only_if = when.has("/bin/bash", "bash"),
  check = function()
    local values, fixed = {}, false
    config.each_line(shell_files(), function(line)
      if line:match("^%s*#") then return end
      local value = line:match("TMOUT=(%d+)")
      if value then values[#values + 1] = tonumber(value) end
      fixed = fixed or line:match("readonly%s+TMOUT") ~= nil or line:match("typeset%s+%-%a*r%a*%s+TMOUT") ~= nil
        or line:match("declare%s+%-%a*r%a*%s+TMOUT") ~= nil
    end)
    describe(values, "values given to TMOUT"):it(no(empty)):it(each(between(1, attributes.shell_timeout)))
    describe(fixed, "TMOUT is read-only"):it(eq(true))
  end,
}

control "password-hash-method" {
  title = "New passwords get a hash that is slow to guess",
  impact = 0.8,
  desc = "ENCRYPT_METHOD in login.defs is one of password_hash_methods.",
  rationale = "chpasswd, newusers and group passwords take the method from here.",
  fix = "Set ENCRYPT_METHOD YESCRYPT (or SHA512) in /etc/login.defs.",
  tags = { cis = "5.4.1.4", nist = { "IA-5(1)", "SC-13" } },
  refs = LOGIN_DEFS,
  only_if = has_login_defs,
  check = function()
    describe(login_defs()):its("ENCRYPT_METHOD", one_of(attributes.password_hash_methods))
  end,
}

control "login-attempts" {
  title = "login gives few tries and little time",
  impact = 0.4,
  desc = "LOGIN_RETRIES and LOGIN_TIMEOUT in login.defs are at most what the attributes allow.",
  rationale = "Each try at the console is a guess.",
  fix = "Set LOGIN_RETRIES 3 and LOGIN_TIMEOUT 60 in /etc/login.defs.",
  tags = { nist = { "AC-7" } },
  refs = LOGIN_DEFS,
  only_if = has_login_defs,
  check = function()
    -- Built without these keys (Red Hat), login has bounds of its own: 3 tries, 60 seconds.
    local settings = login_defs()
    describe(tonumber(settings.LOGIN_RETRIES or 3), "LOGIN_RETRIES"):it(between(1, attributes.login_retries))
    describe(tonumber(settings.LOGIN_TIMEOUT or 60), "LOGIN_TIMEOUT"):it(between(1, attributes.login_timeout))
  end,
}

control "id-ranges" {
  title = "Numbers of people and of programs do not overlap",
  impact = 0.3,
  desc = "UID_MIN and GID_MIN are 1000 or more, and the system's ranges end below them.",
  rationale = "Rules of sudo, PAM and audit tell people from programs by their number.",
  fix = "Set UID_MIN 1000, GID_MIN 1000, SYS_UID_MAX 999 and SYS_GID_MAX 999 in /etc/login.defs.",
  tags = { nist = { "AC-2", "IA-4" } },
  refs = LOGIN_DEFS,
  only_if = has_login_defs,
  check = function()
    local settings = login_defs()
    local uid, gid = tonumber(settings.UID_MIN or 1000), tonumber(settings.GID_MIN or 1000)
    describe(uid, "UID_MIN"):it(at_least(1000))
    describe(gid, "GID_MIN"):it(at_least(1000))
    describe(tonumber(settings.SYS_UID_MAX or uid - 1), "SYS_UID_MAX"):it(less_than(uid))
    describe(tonumber(settings.SYS_GID_MAX or gid - 1), "SYS_GID_MAX"):it(less_than(gid))
  end,
}

control "login-defs-file" {
  title = "Only root changes what new accounts and passwords are given",
  impact = 0.5,
  desc = "/etc/login.defs belongs to root and is writable by nobody else.",
  rationale = "A weaker hash or a wider umask set here takes hold silently, with the next password or account.",
  fix = "chown root:root /etc/login.defs; chmod 0644 /etc/login.defs",
  tags = { nist = { "AC-3", "CM-5" } },
  refs = LOGIN_DEFS,
  only_if = has_login_defs,
  check = function()
    describe(file "/etc/login.defs"):is("owned_by", "root"):its("group", eq "root"):its("mode", at_most "0644")
  end,
}
