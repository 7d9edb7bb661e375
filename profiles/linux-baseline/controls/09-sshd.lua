-- The way in: sshd, its keys and its basics.

local sshd = require "sshd"
local SSHD = { { "sshd_config(5)", url = "https://man.openbsd.org/sshd_config" } }

control "sshd-config-file" {
  title = "Only root reads and changes sshd's configuration",
  impact = 0.7,
  desc = "/etc/ssh/sshd_config and the files in sshd_config.d belong to root and are closed to everybody else.",
  rationale = "One added line lets a key or a user in.",
  fix = "chown root:root FILE; chmod 0600 FILE",
  tags = { cis = "5.1.1", nist = { "AC-3", "CM-5" } },
  refs = SSHD,
  only_if = sshd.installed,
  check = function()
    local files = { "/etc/ssh/sshd_config" }
    if directory("/etc/ssh/sshd_config.d").exists then
      for _, path in ipairs(find("/etc/ssh/sshd_config.d", { type = "file", name = "*.conf" }).paths) do files[#files + 1] = path end
    end
    for_each(files, function(path)
      describe(file(path)):is("owned_by", "root"):its("group", eq "root"):its("mode", at_most "0600")
    end)
  end,
}

control "sshd-host-keys" {
  title = "The private keys of the host are root's alone",
  impact = 0.9,
  desc = "Private host keys are closed to all but root (and group ssh_keys, where Red Hat has it); public ones are writable by root alone.",
  rationale = "Who has the key can pretend to be this machine.",
  fix = "chown root:root KEY; chmod 0600 KEY; chmod 0644 KEY.pub",
  tags = { cis = { "5.1.2", "5.1.3" }, nist = { "SC-12", "AC-3" } },
  refs = { { "sshd(8)", url = "https://man.openbsd.org/sshd" } },
  only_if = sshd.installed,
  check = function()
    for_each(find("/etc/ssh", { type = "file", name = "ssh_host_*_key", max_depth = 1 }).paths, function(path)
      local key = file(path)
      local limit = key.group == "ssh_keys" and "0640" or "0600"
      describe(key):is("owned_by", "root"):its("group", one_of { "root", "ssh_keys" }):its("mode", at_most(limit))
    end)
    for_each(find("/etc/ssh", { type = "file", name = "ssh_host_*_key.pub", max_depth = 1 }).paths, function(path)
      describe(file(path)):is("owned_by", "root"):its("mode", at_most "0644")
    end)
    pass("host keys are as they should be")
  end,
}

control "sshd-root-login" {
  title = "root does not log in over the network",
  impact = 0.9,
  desc = "PermitRootLogin is one of sshd_permit_root_login.",
  rationale = "A shared account leaves no trace of who did what, and its name is known to every scanner.",
  fix = "PermitRootLogin no in /etc/ssh/sshd_config; systemctl reload ssh",
  tags = { cis = "5.1.20", nist = { "AC-6", "IA-2" } },
  refs = SSHD,
  only_if = sshd.installed,
  check = function() sshd.effective("PermitRootLogin", one_of(attributes.sshd_permit_root_login)) end,
}

control "sshd-empty-passwords" {
  title = "sshd takes no empty passwords",
  impact = 1.0,
  desc = "PermitEmptyPasswords is no.",
  rationale = "An account that was made without a password is open to the world otherwise.",
  fix = "PermitEmptyPasswords no in /etc/ssh/sshd_config; systemctl reload ssh",
  tags = { cis = "5.1.19", nist = { "IA-5(1)" } },
  refs = SSHD,
  only_if = sshd.installed,
  check = function() sshd.effective("PermitEmptyPasswords", eq "no") end,
}

control "sshd-tries" {
  title = "sshd gives few tries, little time and few open doors to guess at",
  impact = 0.6,
  desc = "MaxAuthTries, LoginGraceTime, MaxSessions and MaxStartups are within the attributes.",
  rationale = "Each bound slows down guessing, and keeps half-open logins from using up the daemon.",
  fix = "MaxAuthTries 4, LoginGraceTime 60, MaxSessions 10 and MaxStartups 10:30:60 in /etc/ssh/sshd_config",
  tags = { cis = { "5.1.13", "5.1.16", "5.1.17", "5.1.18" }, nist = { "AC-7", "SC-5" } },
  refs = SSHD,
  only_if = sshd.installed,
  check = function()
    sshd.effective("MaxAuthTries", at_most(attributes.sshd_max_auth_tries))
    sshd.effective("LoginGraceTime", between(1, attributes.sshd_login_grace_time))
    sshd.effective("MaxSessions", at_most(attributes.sshd_max_sessions))
    -- start:rate:full - the last is where every further connection is refused.
    local startups = tostring(sshd_config():effective("MaxStartups"))
    describe(tonumber(startups:match("(%d+)$")), "unauthenticated connections that sshd keeps"):it(at_most(attributes.sshd_max_startups))
  end,
}

control "sshd-idle" {
  title = "sshd ends connections whose client is gone",
  impact = 0.4,
  desc = "ClientAliveInterval is set, and interval times ClientAliveCountMax is at most sshd_idle_seconds.",
  rationale = "A session nobody sits at can be taken up by somebody else.",
  fix = "ClientAliveInterval 15 and ClientAliveCountMax 3 in /etc/ssh/sshd_config",
  tags = { cis = "5.1.7", nist = { "AC-12", "SC-10" } },
  refs = SSHD,
  only_if = sshd.installed,
  check = function()
    local interval = tonumber(sshd_config():effective("ClientAliveInterval"))
    local count = tonumber(sshd_config():effective("ClientAliveCountMax"))
    describe(interval, "sshd's ClientAliveInterval"):it(greater_than(0))
    describe(count, "sshd's ClientAliveCountMax"):it(greater_than(0))
    describe(interval * count, "seconds until sshd gives up a client"):it(at_most(attributes.sshd_idle_seconds))
  end,
}

control "sshd-host-trust" {
  title = "sshd trusts no other host's word",
  impact = 0.7,
  desc = "HostbasedAuthentication is no and IgnoreRhosts is yes.",
  rationale = "Whoever is root on the other host could be anybody here.",
  fix = "HostbasedAuthentication no and IgnoreRhosts yes in /etc/ssh/sshd_config",
  tags = { cis = { "5.1.10", "5.1.11" }, nist = { "IA-2", "CM-7" } },
  refs = SSHD,
  only_if = sshd.installed,
  check = function()
    sshd.effective("HostbasedAuthentication", eq "no")
    sshd.effective("IgnoreRhosts", eq "yes")
  end,
}

control "sshd-user-environment" {
  title = "Users cannot set the environment of their login",
  impact = 0.6,
  desc = "PermitUserEnvironment is no.",
  rationale = "LD_PRELOAD in ~/.ssh/environment gets round a forced command.",
  fix = "PermitUserEnvironment no in /etc/ssh/sshd_config",
  tags = { cis = "5.1.21", nist = { "CM-7", "AC-6" } },
  refs = SSHD,
  only_if = sshd.installed,
  check = function() sshd.effective("PermitUserEnvironment", eq "no") end,
}

control "sshd-forwarding" {
  title = "sshd carries no windows",
  impact = 0.4,
  desc = "X11Forwarding is no.",
  rationale = "A server taken over reads the keyboard of whoever forwards a display to it.",
  fix = "X11Forwarding no in /etc/ssh/sshd_config",
  tags = { cis = "5.1.8", nist = { "CM-7" } },
  refs = SSHD,
  only_if = sshd.installed,
  check = function() sshd.effective("X11Forwarding", eq "no") end,
}

control "sshd-log-level" {
  title = "sshd logs who came in with which key",
  impact = 0.5,
  desc = "LogLevel is INFO or VERBOSE.",
  rationale = "Below INFO logins go unrecorded; DEBUG writes what should not be in a log.",
  fix = "LogLevel VERBOSE in /etc/ssh/sshd_config",
  tags = { cis = "5.1.14", nist = { "AU-3", "AU-12" } },
  refs = SSHD,
  only_if = sshd.installed,
  check = function() sshd.effective("LogLevel", one_of { "INFO", "VERBOSE" }) end,
}

control "sshd-pam" {
  title = "sshd asks PAM",
  impact = 0.6,
  desc = "UsePAM is yes.",
  rationale = "Locked accounts, limits and session rules are PAM's; without it they do not hold over SSH.",
  fix = "UsePAM yes in /etc/ssh/sshd_config",
  tags = { cis = "5.1.22", nist = { "IA-2", "AC-2" } },
  refs = SSHD,
  only_if = sshd.installed,
  check = function() sshd.effective("UsePAM", eq "yes") end,
}

control "sshd-banner" {
  title = "sshd shows the site's notice before a login",
  impact = 0.2,
  desc = "Banner names a file that exists.",
  rationale = "In many places a notice is what makes an intrusion punishable.",
  fix = "Banner /etc/issue.net in /etc/ssh/sshd_config",
  tags = { cis = "5.1.5", nist = { "AC-8" } },
  refs = SSHD,
  only_if = sshd.installed,
  check = function()
    local path = sshd_config().Banner
    describe(path, "sshd's Banner"):it(starts_with "/")
    if path and path:sub(1, 1) == "/" then describe(file(path)):exists() end
  end,
}

control "sshd-algorithms" {
  title = "sshd offers no broken ciphers, checksums or key exchanges",
  impact = 0.7,
  desc = "Ciphers, MACs and KexAlgorithms in effect hold none that sshd_weak_algorithms names.",
  rationale = "The two sides agree on what both offer; what is not offered cannot be asked for.",
  fix = "Ciphers -*-cbc and MACs -umac-64*,hmac-md5*,hmac-sha1-96* in /etc/ssh/sshd_config: a minus takes what fits out of OpenSSH's own list",
  tags = { cis = { "5.1.6", "5.1.12", "5.1.15" }, nist = { "SC-8", "SC-13" } },
  refs = SSHD,
  only_if = sshd.installed,
  check = function()
    for _, directive in ipairs { "Ciphers", "MACs", "KexAlgorithms" } do
      sshd.refuses(directive, attributes.sshd_weak_algorithms)
    end
  end,
}
