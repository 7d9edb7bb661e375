-- How often, how long and how many at a time.

local server = require "server"

control "sshd-tries" {
  title = "A connection has few tries",
  impact = 0.6,
  desc = "MaxAuthTries is max_auth_tries at most.",
  rationale = "Each new connection costs who guesses time, and leaves a line in the log.",
  fix = "MaxAuthTries 4 in sshd_config",
  tags = { cis = "5.1.16", nist = { "AC-7" } },
  refs = server.REFS,
  only_if = server.installed,
  check = function() server.effective("MaxAuthTries", at_most(attributes.max_auth_tries)) end,
}

control "sshd-sessions" {
  title = "A connection carries few sessions",
  impact = 0.4,
  desc = "MaxSessions is max_sessions at most.",
  rationale = "Many shells over one connection can use up the machine behind a single login.",
  fix = "MaxSessions 10 in sshd_config",
  tags = { cis = "5.1.17", nist = { "AC-10", "SC-5" } },
  refs = server.REFS,
  only_if = server.installed,
  check = function() server.effective("MaxSessions", at_most(attributes.max_sessions)) end,
}

control "sshd-startups" {
  title = "Few connections wait for their login at a time",
  impact = 0.5,
  desc = "MaxStartups begins to refuse at max_startups_start at most, and refuses all at max_startups_full at most.",
  rationale = "Half-open logins cost nothing to make and would keep everybody else out.",
  fix = "MaxStartups 10:30:60 in sshd_config",
  tags = { cis = "5.1.18", nist = { "SC-5" } },
  refs = server.REFS,
  only_if = server.installed,
  check = function()
    -- start:rate:full, or one number for all connections.
    local written = tostring(server.config():effective("MaxStartups"))
    describe(tonumber(written:match("^%d+")), "waiting connections at which sshd begins to refuse"):it(at_most(attributes.max_startups_start))
    describe(tonumber(written:match("%d+$")), "waiting connections at which sshd refuses all"):it(at_most(attributes.max_startups_full))
  end,
}

control "sshd-login-time" {
  title = "A login is over soon",
  impact = 0.5,
  desc = "LoginGraceTime is between 1 and login_grace_time seconds; 0 would be no limit.",
  rationale = "A connection that never logs in holds one of few places.",
  fix = "LoginGraceTime 60 in sshd_config",
  tags = { cis = "5.1.13", nist = { "SC-5", "AC-12" } },
  refs = server.REFS,
  only_if = server.installed,
  check = function() server.effective("LoginGraceTime", between(1, attributes.login_grace_time)) end,
}

control "sshd-alive-interval" {
  title = "The server asks silent clients whether they are there",
  impact = 0.4,
  desc = "ClientAliveInterval is between 1 and client_alive_interval seconds; 0 would be never.",
  rationale = "The session of a client that is gone stays open, with the rights of its user.",
  fix = "ClientAliveInterval 300 in sshd_config",
  tags = { cis = "5.1.7", nist = { "AC-12", "SC-10" } },
  refs = server.REFS,
  only_if = server.installed,
  check = function() server.effective("ClientAliveInterval", between(1, attributes.client_alive_interval)) end,
}

control "sshd-alive-count" {
  title = "The server gives up clients that do not answer",
  impact = 0.4,
  desc = "ClientAliveCountMax is between 1 and client_alive_count_max; 0 would never end a connection.",
  rationale = "Asking is of no use when nothing follows from silence.",
  fix = "ClientAliveCountMax 3 in sshd_config",
  tags = { cis = "5.1.7", nist = { "AC-12", "SC-10" } },
  refs = server.REFS,
  only_if = server.installed,
  check = function() server.effective("ClientAliveCountMax", between(1, attributes.client_alive_count_max)) end,
}
