-- What the server carries besides a session, and what it takes from a client.

local names = require "names"
local server = require "server"

-- DisableForwarding overrules all that forwards.
local function unless_disabled(check)
  return function()
    if server.forwards_nothing() then pass "DisableForwarding is yes" end
    check()
  end
end

control "sshd-tcp-forwarding" {
  title = "The server carries no connections of others",
  impact = 0.5,
  desc = "AllowTcpForwarding is one of allow_tcp_forwarding, AllowStreamLocalForwarding is no or one of them, or DisableForwarding is yes.",
  rationale = "Through a forwarded port a client reaches whatever this machine reaches, past the firewall between.",
  fix = "AllowTcpForwarding no and AllowStreamLocalForwarding no in sshd_config",
  tags = { cis = "5.1.8", nist = { "CM-7", "AC-4" } },
  refs = server.REFS,
  only_if = server.installed,
  check = unless_disabled(function()
    -- `all` is the older word for yes.
    local function value(directive)
      local written = server.config():effective(directive)
      return written == "all" and "yes" or written
    end
    local allowed = one_of(attributes.allow_tcp_forwarding)
    describe(value "AllowTcpForwarding", "sshd's AllowTcpForwarding"):it(allowed)
    -- A bastion need not carry sockets of files to carry ports.
    describe(value "AllowStreamLocalForwarding", "sshd's AllowStreamLocalForwarding"):it(any(eq "no", allowed))
  end),
}

control "sshd-gateway-ports" {
  title = "Forwarded ports are not open to the network",
  impact = 0.6,
  desc = "GatewayPorts is no, or DisableForwarding is yes.",
  rationale = "A user could put any service of the outside on an address of this machine.",
  fix = "GatewayPorts no in sshd_config",
  tags = { nist = { "CM-7", "AC-4" } },
  refs = server.REFS,
  only_if = server.installed,
  check = unless_disabled(function() server.effective("GatewayPorts", eq "no") end),
}

control "sshd-tunnel" {
  title = "The server makes no tunnels",
  impact = 0.6,
  desc = "PermitTunnel is no, or DisableForwarding is yes.",
  rationale = "A tunnel joins two networks whose firewalls know nothing of it.",
  fix = "PermitTunnel no in sshd_config",
  tags = { nist = { "CM-7", "AC-4" } },
  refs = server.REFS,
  only_if = server.installed,
  check = unless_disabled(function() server.effective("PermitTunnel", eq "no") end),
}

control "sshd-agent-forwarding" {
  title = "The server uses no agents of its clients",
  impact = 0.5,
  desc = "AllowAgentForwarding is no, or DisableForwarding is yes. With allow_agent_forwarding the control does not apply.",
  rationale = "root here could log in elsewhere as everybody whose agent comes along; a jump host (ssh -J) does without.",
  fix = "AllowAgentForwarding no in sshd_config",
  tags = { cis = "5.1.8", nist = { "CM-7", "IA-5" } },
  refs = server.REFS,
  only_if = server.installed,
  check = unless_disabled(function()
    if attributes.allow_agent_forwarding then not_applicable "the site forwards agents" end
    server.effective("AllowAgentForwarding", eq "no")
  end),
}

control "sshd-x11-forwarding" {
  title = "The server carries no windows",
  impact = 0.5,
  desc = "X11Forwarding is no, or DisableForwarding is yes. With x11_forwarding it may be yes, and X11UseLocalhost has to be.",
  rationale = "A display that is forwarded lets the server read the keys its user presses.",
  fix = "X11Forwarding no in sshd_config",
  tags = { cis = "5.1.8", nist = { "CM-7" } },
  refs = server.REFS,
  only_if = server.installed,
  check = unless_disabled(function()
    if attributes.x11_forwarding then
      server.effective("X11UseLocalhost", eq "yes")
    else
      server.effective("X11Forwarding", eq "no")
    end
  end),
}

control "sshd-user-environment" {
  title = "Users do not set the environment of their login",
  impact = 0.6,
  desc = "PermitUserEnvironment is no.",
  rationale = "With LD_PRELOAD in ~/.ssh/environment a user gets out of the one command they are held to.",
  fix = "PermitUserEnvironment no in sshd_config",
  tags = { cis = "5.1.21", nist = { "CM-7", "AC-6" } },
  refs = server.REFS,
  only_if = server.installed,
  check = function() server.effective("PermitUserEnvironment", eq "no") end,
}

control "sshd-accept-env" {
  title = "The server takes harmless variables only",
  impact = 0.5,
  desc = "Every AcceptEnv is one of accept_env, or fits a pattern of it.",
  rationale = "Variables steer the loader, the shell and every interpreter; those of the language are all a session needs.",
  fix = "AcceptEnv LANG LC_* in sshd_config",
  tags = { nist = { "CM-7", "AC-6" } },
  refs = server.REFS,
  only_if = server.installed,
  check = function()
    local taken = server.config().AcceptEnv or {}
    describe(names.unfit(taken, attributes.accept_env), "variables sshd takes beyond accept_env"):it(empty)
  end,
}
