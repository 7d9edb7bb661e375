-- The client: what holds for every user who sets nothing else.

local algorithms = require "algorithms"
local client = require "client"
local names = require "names"

control "ssh-config-file" {
  title = "Only root changes the client's configuration",
  impact = 0.7,
  desc = "The system-wide ssh_config and what it includes belong to root and can be written by nobody else.",
  rationale = "A ProxyCommand put there runs as every user who calls ssh.",
  fix = "chown root:root FILE; chmod 0644 FILE",
  tags = { nist = { "AC-3", "CM-5" } },
  refs = client.REFS,
  only_if = client.installed,
  check = function()
    local config = client.config()
    if not config.exists then pass "there is no system-wide configuration" end
    local files = names.files(config.Include)
    files[#files + 1] = attributes.ssh_config_path
    for_each(files, function(path)
      describe(file(path)):is("owned_by", "root"):its("mode", at_most "0755")
    end)
  end,
}

control "ssh-host-key-checking" {
  title = "The client asks before it trusts a host",
  impact = 0.8,
  desc = "StrictHostKeyChecking is one of strict_host_key_checking, for every host and for those a Host block names, less hosts_unchecked.",
  rationale = "The first key that comes is taken for the host's otherwise, and so is that of somebody between.",
  fix = "StrictHostKeyChecking ask below Host * in ssh_config; keys of known hosts in /etc/ssh/ssh_known_hosts",
  tags = { nist = { "IA-3", "SC-8" } },
  refs = client.REFS,
  only_if = client.installed,
  check = function()
    client.effective("StrictHostKeyChecking", one_of(attributes.strict_host_key_checking))
    for_each(names.beyond(client.named_hosts(), attributes.hosts_unchecked), function(host)
      local value = client.value("StrictHostKeyChecking", host)
      describe(value, "ssh's StrictHostKeyChecking for " .. host):it(one_of(attributes.strict_host_key_checking))
    end)
    client.effective("NoHostAuthenticationForLocalhost", eq "no")
  end,
}

control "ssh-known-hosts-hashed" {
  title = "The list of known hosts cannot be read as a map",
  impact = 0.3,
  desc = "HashKnownHosts is yes.",
  rationale = "Whoever gets into one account finds in its known_hosts where to go next.",
  fix = "HashKnownHosts yes below Host * in ssh_config",
  tags = { nist = { "SC-28" } },
  refs = client.REFS,
  only_if = client.installed,
  check = function() client.effective("HashKnownHosts", eq "yes") end,
}

control "ssh-agent-forwarding" {
  title = "The client lends its agent to no host",
  impact = 0.6,
  desc = "ForwardAgent is no for every host.",
  rationale = "root of the host uses the keys in the agent as long as the session lasts.",
  fix = "ForwardAgent no below Host * in ssh_config",
  tags = { nist = { "IA-5", "CM-7" } },
  refs = client.REFS,
  only_if = client.installed,
  check = function() client.effective("ForwardAgent", eq "no") end,
}

control "ssh-x11-forwarding" {
  title = "The client lends its display to no host",
  impact = 0.6,
  desc = "ForwardX11 is no for every host.",
  rationale = "A host with access to the display sees what is typed into every window.",
  fix = "ForwardX11 no below Host * in ssh_config",
  tags = { nist = { "CM-7" } },
  refs = client.REFS,
  only_if = client.installed,
  check = function() client.effective("ForwardX11", eq "no") end,
}

control "ssh-tunnel" {
  title = "The client opens no network to others",
  impact = 0.5,
  desc = "Tunnel and GatewayPorts are no for every host.",
  rationale = "A user's session should not join two networks by default, nor open its ports to neighbours.",
  fix = "Tunnel no and GatewayPorts no below Host * in ssh_config",
  tags = { nist = { "CM-7", "AC-4" } },
  refs = client.REFS,
  only_if = client.installed,
  check = function()
    client.effective("Tunnel", eq "no")
    client.effective("GatewayPorts", eq "no")
  end,
}

control "ssh-local-command" {
  title = "The client runs no command of its own after a login",
  impact = 0.5,
  desc = "PermitLocalCommand is no for every host.",
  rationale = "LocalCommand takes words such as the host's name into a shell of the user.",
  fix = "PermitLocalCommand no below Host * in ssh_config",
  tags = { nist = { "CM-7" } },
  refs = client.REFS,
  only_if = client.installed,
  check = function() client.effective("PermitLocalCommand", eq "no") end,
}

control "ssh-host-based" {
  title = "The client does not log in by the word of this machine",
  impact = 0.5,
  desc = "HostbasedAuthentication and EnableSSHKeysign are no.",
  rationale = "It needs a program with rights to the host's private keys.",
  fix = "HostbasedAuthentication no and EnableSSHKeysign no below Host * in ssh_config",
  tags = { nist = { "IA-2", "CM-7" } },
  refs = client.REFS,
  only_if = client.installed,
  check = function()
    client.effective("HostbasedAuthentication", eq "no")
    client.effective("EnableSSHKeysign", eq "no")
  end,
}

control "ssh-credentials" {
  title = "The client hands no tickets on",
  impact = 0.5,
  desc = "GSSAPIDelegateCredentials is no for every host.",
  rationale = "The host could go on to every service in the user's name.",
  fix = "GSSAPIDelegateCredentials no below Host * in ssh_config",
  tags = { nist = { "IA-5", "AC-6" } },
  refs = client.REFS,
  only_if = client.installed,
  check = function() client.effective("GSSAPIDelegateCredentials", eq "no") end,
}

control "ssh-send-env" {
  title = "The client sends harmless variables only",
  impact = 0.3,
  desc = "Every SendEnv is one of accept_env, or fits a pattern of it.",
  rationale = "Variables hold tokens and passwords of cloud tools, and a host may keep what it gets.",
  fix = "SendEnv LANG LC_* below Host * in ssh_config",
  tags = { nist = { "SC-28", "CM-7" } },
  refs = client.REFS,
  only_if = client.installed,
  check = function()
    local config = client.config()
    local sent = config.exists and config.SendEnv or {}
    describe(names.unfit(sent, attributes.accept_env), "variables ssh sends beyond accept_env"):it(empty)
  end,
}

control "ssh-ciphers" {
  title = "The client offers sound ciphers only",
  impact = 0.7,
  desc = "All Ciphers in effect for every host, OpenSSH's own where none are written, are among the attribute ciphers.",
  rationale = "A server that is old, or pretends to be, gets an old cipher from a client that has it.",
  fix = "Ciphers -*-cbc below Host * in ssh_config, for the few servers that need more a Host block of their own.",
  tags = { nist = { "SC-8", "SC-13" } },
  refs = client.REFS,
  only_if = client.installed,
  check = function()
    local config = client.config()
    algorithms.only("ssh", "Ciphers", config.exists and config.Ciphers or nil, attributes.ciphers)
  end,
}

control "ssh-macs" {
  title = "The client offers sound message authentication codes only",
  impact = 0.6,
  desc = "All MACs in effect for every host, OpenSSH's own where none are written, are among the attribute macs.",
  rationale = "What a session's integrity rests on should not be chosen by the weaker side.",
  fix = "MACs -umac-64*,hmac-sha1*,umac-128@openssh.com below Host * in ssh_config",
  tags = { nist = { "SC-8", "SC-13" } },
  refs = client.REFS,
  only_if = client.installed,
  check = function()
    local config = client.config()
    algorithms.only("ssh", "MACs", config.exists and config.MACs or nil, attributes.macs)
  end,
}

control "ssh-key-exchange" {
  title = "The client offers sound key exchanges only",
  impact = 0.7,
  desc = "All KexAlgorithms in effect for every host, OpenSSH's own where none are written, are among the attribute kex_algorithms.",
  rationale = "A session is as secret as the key exchange it began with, for as long as somebody keeps a recording.",
  fix = "KexAlgorithms -diffie-hellman-group14-sha256 below Host * in ssh_config",
  tags = { nist = { "SC-8", "SC-12", "SC-13" } },
  refs = { { "RFC 9142", url = "https://www.rfc-editor.org/rfc/rfc9142" } },
  only_if = client.installed,
  check = function()
    local config = client.config()
    algorithms.only("ssh", "KexAlgorithms", config.exists and config.KexAlgorithms or nil, attributes.kex_algorithms)
  end,
}

control "ssh-signatures" {
  title = "The client takes no keys signed with SHA-1 or DSA",
  impact = 0.6,
  desc = "HostKeyAlgorithms, PubkeyAcceptedAlgorithms and CASignatureAlgorithms for every host name none of signatures_refused.",
  rationale = "An exception for one old device is often written for all hosts.",
  fix = "Take ssh-rsa and ssh-dss out of these lines; a Host block for the device that needs them.",
  tags = { nist = { "SC-13", "IA-3" } },
  refs = { { "OpenSSH 8.8", url = "https://www.openssh.com/txt/release-8.8" } },
  only_if = client.installed,
  check = function()
    local config = client.config()
    for _, directive in ipairs { "HostKeyAlgorithms", "PubkeyAcceptedAlgorithms", "CASignatureAlgorithms" } do
      local written = config.exists and config[directive] or nil
      algorithms.none("ssh", directive, written, attributes.signatures_refused)
    end
  end,
}
