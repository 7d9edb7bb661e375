-- What is shown before and after a login, and what a crash leaves behind.

local config = require "config"
local when = require "when"
local ISSUE = { { "issue(5)", url = "https://man7.org/linux/man-pages/man5/issue.5.html" } }

-- The escapes of agetty that name the system, and the distribution's own name.
local function tells_nothing(path)
  local text = file(path).content or ""
  describe(text, path):it(no(matches [[\\[mrsvoS]\b|\\S\{]]))
  local name = os().name
  if name and name ~= "" then
    describe(text:lower():find(name, 1, true) == nil, path .. " does not name the system"):it(eq(true))
  end
end

control "notice-before-login" {
  title = "The notice before a login does not tell what the machine runs",
  impact = 0.3,
  desc = "/etc/issue and /etc/issue.net hold a notice, no escapes for version or architecture and no name of the system.",
  rationale = "Whoever reads the version knows which holes to try.",
  fix = "Write the site's notice into /etc/issue and /etc/issue.net.",
  tags = { cis = { "1.6.2", "1.6.3" }, nist = { "AC-8", "SI-11" } },
  refs = ISSUE,
  check = function()
    for_each({ "/etc/issue", "/etc/issue.net" }, function(path)
      if file(path).exists then
        describe(file(path)):its("content", matches [[\S]])
        tells_nothing(path)
      end
    end)
    pass("no notice tells too much")
  end,
}

control "notice-after-login" {
  title = "The notice after a login does not tell what the machine runs",
  impact = 0.2,
  desc = "/etc/motd, where there is one, has no escapes for version or architecture and no name of the system.",
  rationale = "It is shown to accounts that were taken over as well.",
  fix = "Write the site's notice into /etc/motd, or remove the file.",
  tags = { cis = "1.6.1", nist = { "AC-8", "SI-11" } },
  refs = { { "motd(5)", url = "https://man7.org/linux/man-pages/man5/motd.5.html" } },
  only_if = function() return file("/etc/motd").exists, "there is no /etc/motd" end,
  check = function() tells_nothing "/etc/motd" end,
}

control "notice-files" {
  title = "Only root writes the notices",
  impact = 0.3,
  desc = "/etc/issue, /etc/issue.net and /etc/motd belong to root and are writable by nobody else.",
  rationale = "A false notice is an easy way to ask for passwords.",
  fix = "chown root:root FILE; chmod 0644 FILE",
  tags = { cis = { "1.6.4", "1.6.5", "1.6.6" }, nist = { "AC-3" } },
  refs = ISSUE,
  check = function()
    local any = false
    for_each({ "/etc/issue", "/etc/issue.net", "/etc/motd" }, function(path)
      if file(path).exists then
        any = true
        describe(file(path)):is("owned_by", "root"):its("mode", at_most "0644")
      end
    end)
    if not any then not_applicable("there are no notices") end
  end,
}

control "core-dumps-limited" {
  title = "Crashes write no memory to disk",
  impact = 0.5,
  desc = "limits.conf or a file of limits.d sets `* hard core 0`, and none sets a hard limit above 0 for everybody.",
  rationale = "The memory of a program holds passwords and keys.",
  fix = "Write `* hard core 0` into /etc/security/limits.d/10-core.conf.",
  tags = { cis = "1.5.3", nist = { "SC-4", "SI-11" } },
  refs = { { "limits.conf(5)", url = "https://man7.org/linux/man-pages/man5/limits.conf.5.html" } },
  only_if = when.has_any({ "/etc/security/limits.conf", "/etc/security/limits.d" }, "pam_limits"),
  check = function()
    local values = {}
    config.each_line(config.files("/etc/security/limits.conf", "/etc/security/limits.d", "*.conf"), function(line)
      local kind, value = line:match("^%s*%*%s+(%S+)%s+core%s+(%S+)")
      if kind == "hard" or kind == "-" then values[#values + 1] = value end
    end)
    describe(values, "hard limits of core dumps for everybody"):it(no(empty)):it(each(eq "0"))
  end,
}

control "core-dumps-collected" {
  title = "systemd keeps no memory of crashed programs",
  impact = 0.4,
  desc = "Where systemd-coredump is installed, Storage is none and ProcessSizeMax is 0.",
  rationale = "It runs past the limits of the program and would store its memory in /var/lib/systemd/coredump.",
  fix = "Storage=none and ProcessSizeMax=0 under [Coredump] in /etc/systemd/coredump.conf.d/off.conf",
  tags = { cis = "1.5.3", nist = { "SC-4", "SI-11" } },
  refs = { { "coredump.conf(5)", url = "https://man7.org/linux/man-pages/man5/coredump.conf.5.html" } },
  only_if = when.has_any({ "/usr/lib/systemd/systemd-coredump", "/lib/systemd/systemd-coredump" }, "systemd-coredump"),
  check = function()
    describe(systemd_config "coredump.conf"):its("Coredump.Storage", eq "none"):its("Coredump.ProcessSizeMax", eq "0")
  end,
}
