-- What the server writes down, and what it tells.

local server = require "server"

control "sshd-log-level" {
  title = "The server records who came in with which key",
  impact = 0.5,
  desc = "LogLevel is one of log_levels.",
  rationale = "Below INFO logins leave no trace; DEBUG writes down what is nobody's business.",
  fix = "LogLevel VERBOSE in sshd_config",
  tags = { cis = "5.1.14", nist = { "AU-3", "AU-12" } },
  refs = server.REFS,
  only_if = server.installed,
  check = function() server.effective("LogLevel", one_of(attributes.log_levels)) end,
}

control "sshd-log-facility" {
  title = "The server's records go where logins are looked for",
  impact = 0.3,
  desc = "SyslogFacility is one of syslog_facilities.",
  rationale = "Rules of syslog and of those who watch it pick logins by their facility.",
  fix = "SyslogFacility AUTH in sshd_config (AUTHPRIV on Red Hat)",
  tags = { nist = { "AU-3", "AU-6" } },
  refs = server.REFS,
  only_if = server.installed,
  check = function() server.effective("SyslogFacility", one_of(attributes.syslog_facilities)) end,
}

control "sshd-banner" {
  title = "The site's notice comes before the login",
  impact = 0.2,
  desc = "Banner names a file that is there; with banner_path, that file.",
  rationale = "In many places who was told to stay out is punished, and who was not is not.",
  fix = "Banner /etc/issue.net in sshd_config",
  tags = { cis = "5.1.5", nist = { "AC-8" } },
  refs = server.REFS,
  only_if = server.installed,
  check = function()
    local path = server.config():effective("Banner")
    local wanted = attributes.banner_path
    describe(path, "sshd's Banner"):it(wanted ~= "" and eq(wanted) or starts_with "/")
    if path and path:sub(1, 1) == "/" then describe(file(path)):exists() end
  end,
}

control "sshd-last-log" {
  title = "Users are told of their last login",
  impact = 0.2,
  desc = "PrintLastLog is yes.",
  rationale = "Nobody else can tell that a login at four in the morning was not theirs.",
  fix = "PrintLastLog yes in sshd_config",
  tags = { nist = { "AC-9" } },
  refs = server.REFS,
  only_if = server.installed,
  check = function() server.effective("PrintLastLog", eq "yes") end,
}
