-- Ways to become root: su and sudo.

local when = require "when"
local SUDOERS = { { "sudoers(5)", url = "https://man7.org/linux/man-pages/man5/sudoers.5.html" } }
local has_sudo = when.has("/etc/sudoers", "sudo")

-- The values that Defaults lines give a setting, those for one user or host included: text,
-- or true and false for a flag that is set or unset.
local function given(name)
  local values = {}
  for _, setting in ipairs(sudoers().settings) do
    if setting.name == name then
      local flag = setting.operator == "" or setting.operator == "!"
      if flag then values[#values + 1] = setting.operator == "" else values[#values + 1] = setting.value end
    end
  end
  return values
end

control "su-restricted" {
  title = "Only members of a group may use su",
  impact = 0.6,
  desc = "PAM asks pam_wheel.so before su, for the group su_group where one is named.",
  rationale = "With su a guessed root password is enough; with the group it takes an administrator's account as well.",
  fix = "Add `auth required pam_wheel.so use_uid group=sugroup` to /etc/pam.d/su, with a group that has no members.",
  tags = { cis = "5.2.7", nist = { "AC-3", "AC-6" } },
  refs = { { "pam_wheel(8)", url = "https://man7.org/linux/man-pages/man8/pam_wheel.8.html" } },
  only_if = when.has("/etc/pam.d/su", "su"),
  check = function()
    local found, named = false, false
    for _, rule in ipairs(pam("su"):where { type = "auth", module = ends_with "pam_wheel.so" }.entries) do
      local words = {}
      for _, argument in ipairs(rule.arguments) do words[argument] = true end
      if (rule.control == "required" or rule.control == "requisite") and words.use_uid then
        found = true
        named = named or words["group=" .. attributes.su_group] ~= nil
      end
    end
    describe(found, "su asks pam_wheel"):it(eq(true))
    if attributes.su_group ~= "" then describe(named, "su asks for group " .. attributes.su_group):it(eq(true)) end
  end,
}

control "sudo-terminal" {
  title = "Programs under sudo get a terminal of their own",
  impact = 0.4,
  desc = "sudoers sets use_pty and nowhere unsets it.",
  rationale = "A program left behind could otherwise type into the administrator's terminal.",
  fix = "Defaults use_pty in /etc/sudoers (visudo)",
  tags = { cis = "5.2.2", nist = { "AC-6" } },
  refs = SUDOERS,
  only_if = has_sudo,
  check = function()
    describe(given "use_pty", "values of use_pty in sudoers"):it(no(empty)):it(each(eq(true)))
  end,
}

control "sudo-log" {
  title = "sudo keeps a log of its own",
  impact = 0.4,
  desc = "sudoers names a logfile.",
  rationale = "What was run as root is worth a place where it is not lost among everything else.",
  fix = 'Defaults logfile="/var/log/sudo.log" in /etc/sudoers (visudo)',
  tags = { cis = "5.2.3", nist = { "AU-12", "AC-6(9)" } },
  refs = SUDOERS,
  only_if = has_sudo,
  check = function()
    describe(sudoers().defaults.logfile, "sudo's logfile"):it(starts_with "/")
  end,
}

control "sudo-password" {
  title = "sudo asks for a password",
  impact = 0.7,
  desc = "No rule says NOPASSWD, those for sudo_nopasswd_allowed aside, and no Defaults says !authenticate.",
  rationale = "A session left open, or a service taken over, is root at once otherwise.",
  fix = "Remove NOPASSWD and !authenticate from /etc/sudoers and /etc/sudoers.d, or add the user to sudo_nopasswd_allowed.",
  tags = { cis = { "5.2.4", "5.2.5" }, nist = { "IA-11", "AC-6" } },
  refs = SUDOERS,
  only_if = has_sudo,
  check = function()
    local allowed, open, seen = {}, {}, {}
    for _, name in ipairs(attributes.sudo_nopasswd_allowed) do allowed[name] = true end
    for _, name in ipairs(sudoers():where { nopasswd = true }.users) do
      if not allowed[name] and not seen[name] then
        seen[name] = true
        open[#open + 1] = name
      end
    end
    describe(open, "who becomes root without a password"):it(empty)
    describe(given "authenticate", "values of authenticate in sudoers"):it(each(eq(true)))
  end,
}

control "sudo-memory" {
  title = "sudo forgets a password soon",
  impact = 0.4,
  desc = "timestamp_timeout is not negative and at most sudo_timestamp_minutes; unset it is sudo's default of 15.",
  rationale = "Until it forgets, anything the user runs can be root.",
  fix = "Defaults timestamp_timeout=15 in /etc/sudoers (visudo)",
  tags = { cis = "5.2.6", nist = { "IA-11" } },
  refs = SUDOERS,
  only_if = has_sudo,
  check = function()
    local minutes = {}
    -- `!timestamp_timeout` is 0: sudo remembers nothing.
    for _, value in ipairs(given "timestamp_timeout") do minutes[#minutes + 1] = value and tonumber(value) or 0 end
    if #minutes == 0 then minutes = { 15 } end
    describe(minutes, "minutes sudo remembers a password"):it(each(between(0, attributes.sudo_timestamp_minutes)))
  end,
}

control "sudo-safe-path" {
  title = "sudo runs programs from a path of its own",
  impact = 0.5,
  desc = "sudoers sets secure_path, nothing unsets env_reset, and nobody may keep the environment (setenv).",
  rationale = "A PATH or LD_PRELOAD from the user's environment would choose what root runs.",
  fix = 'Defaults env_reset and Defaults secure_path="/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" in /etc/sudoers',
  tags = { nist = { "AC-6", "CM-7" } },
  refs = SUDOERS,
  only_if = has_sudo,
  check = function()
    describe(sudoers().defaults.secure_path, "sudo's secure_path"):it(no(absent))
    describe(given "env_reset", "values of env_reset in sudoers"):it(each(eq(true)))
    describe(given "setenv", "values of setenv in sudoers"):it(each(eq(false)))
  end,
}

control "sudo-files" {
  title = "Only root changes the rules of sudo",
  impact = 0.9,
  desc = "/etc/sudoers and all it includes belong to root and are at most 0440; /etc/sudoers.d is not writable by others.",
  rationale = "Who writes a rule is root.",
  fix = "chown root:root FILE; chmod 0440 FILE; chmod 0750 /etc/sudoers.d",
  tags = { nist = { "AC-3", "CM-5" } },
  refs = SUDOERS,
  only_if = has_sudo,
  check = function()
    if directory("/etc/sudoers.d").exists then
      describe(directory "/etc/sudoers.d"):is("owned_by", "root"):its("mode", at_most "0755")
    end
    for_each(sudoers().paths, function(path)
      describe(file(path)):is("owned_by", "root"):its("group", eq "root"):its("mode", at_most "0440")
    end)
  end,
}
