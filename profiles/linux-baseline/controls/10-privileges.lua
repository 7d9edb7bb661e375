-- Ways to become root: su and sudo.

local config = require "config"
local when = require "when"
local SUDOERS = { { "sudoers(5)", url = "https://man7.org/linux/man-pages/man5/sudoers.5.html" } }
local has_sudo = when.has("/etc/sudoers", "sudo")

-- Lines of sudoers and of what it includes, continued lines joined, comments left out.
local function lines_of_sudoers()
  local files, lines = {}, {}
  for _, path in ipairs(config.files("/etc/sudoers", "/etc/sudoers.d")) do
    -- sudo passes over names with a dot or with a tilde at the end.
    local name = path:match("[^/]+$")
    if not name:find(".", 1, true) and name:sub(-1) ~= "~" then files[#files + 1] = path end
  end
  config.each_line(files, function(line)
    line = line:gsub("^%s+", ""):gsub("%s+$", "")
    if line ~= "" and line:sub(1, 1) ~= "#" then lines[#lines + 1] = line end
  end, true)
  return lines
end

-- The options of Defaults lines, those for one user or host included.
local function defaults()
  local options = {}
  for _, line in ipairs(lines_of_sudoers()) do
    local rest = line:match("^Defaults%S*%s+(.*)")
    if rest then
      for option in rest:gmatch("[^,]+") do options[#options + 1] = (option:gsub("^%s+", ""):gsub("%s+$", "")) end
    end
  end
  return options
end

local function has_option(pattern)
  for _, option in ipairs(defaults()) do
    if option:match(pattern) then return true end
  end
  return false
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
    for line in file("/etc/pam.d/su").content:gmatch("[^\n]+") do
      local control_word, rest = line:match("^%s*auth%s+(%S+)%s+%S*pam_wheel%.so(.*)")
      if control_word and (control_word == "required" or control_word == "requisite") and rest:find("use_uid", 1, true) then
        found = true
        if attributes.su_group == "" or (rest .. " "):find("group=" .. attributes.su_group .. " ", 1, true) then named = true end
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
    describe(has_option "^use_pty$", "sudoers sets use_pty"):it(eq(true))
    describe(has_option "^!use_pty$", "sudoers unsets use_pty"):it(eq(false))
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
    describe(has_option "^logfile%s*=%s*\"?/", "sudoers names a logfile"):it(eq(true))
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
    local allowed, open = {}, {}
    for _, name in ipairs(attributes.sudo_nopasswd_allowed) do allowed[name] = true end
    for _, line in ipairs(lines_of_sudoers()) do
      local who = line:match("^(%S+)")
      if line:find("NOPASSWD", 1, true) and not allowed[who] then open[#open + 1] = who end
    end
    describe(open, "who becomes root without a password"):it(empty)
    describe(has_option "^!authenticate$", "sudoers turns authentication off"):it(eq(false))
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
    for _, option in ipairs(defaults()) do
      local value = option:match("^timestamp_timeout%s*=%s*(-?[%d.]+)")
      if value then minutes[#minutes + 1] = tonumber(value) end
    end
    if #minutes == 0 then minutes = { 15 } end
    describe(minutes, "minutes sudo remembers a password"):it(each(between(0, attributes.sudo_timestamp_minutes)))
  end,
}

control "sudo-safe-path" {
  title = "sudo runs programs from a path of its own",
  impact = 0.5,
  desc = "sudoers sets secure_path or its build does, and no rule unsets env_reset.",
  rationale = "A PATH or LD_PRELOAD from the user's environment would choose what root runs.",
  fix = 'Defaults env_reset and Defaults secure_path="/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" in /etc/sudoers',
  tags = { nist = { "AC-6", "CM-7" } },
  refs = SUDOERS,
  only_if = has_sudo,
  check = function()
    describe(has_option "^secure_path%s*=", "sudoers sets secure_path"):it(eq(true))
    describe(has_option "^!env_reset$", "sudoers unsets env_reset"):it(eq(false))
    describe(has_option "^setenv$", "sudoers lets users keep their environment"):it(eq(false))
  end,
}

control "sudo-files" {
  title = "Only root changes the rules of sudo",
  impact = 0.9,
  desc = "/etc/sudoers and the files in /etc/sudoers.d belong to root and are at most 0440; the directory is not writable by others.",
  rationale = "Who writes a rule is root.",
  fix = "chown root:root FILE; chmod 0440 FILE; chmod 0750 /etc/sudoers.d",
  tags = { nist = { "AC-3", "CM-5" } },
  refs = SUDOERS,
  only_if = has_sudo,
  check = function()
    local files = { "/etc/sudoers" }
    if directory("/etc/sudoers.d").exists then
      describe(directory "/etc/sudoers.d"):is("owned_by", "root"):its("mode", at_most "0755")
      for _, path in ipairs(find("/etc/sudoers.d", { type = "file", max_depth = 1 }).paths) do files[#files + 1] = path end
    end
    for_each(files, function(path)
      describe(file(path)):is("owned_by", "root"):its("group", eq "root"):its("mode", at_most "0440")
    end)
  end,
}
