-- Where the server listens, and how it protects what is sent.

local algorithms = require "algorithms"
local names = require "names"
local server = require "server"

control "sshd-port" {
  title = "The server listens on the ports meant for it",
  impact = 0.3,
  desc = "Every Port is one of ports.",
  rationale = "Firewalls, monitoring and the records of a site go by the port; another one is a door nobody watches.",
  fix = "Port 22 in sshd_config, or the port in the attribute ports of this node.",
  tags = { nist = { "CM-7" } },
  refs = server.REFS,
  only_if = server.installed,
  check = function()
    describe(names.beyond(server.config():effective("Port") or {}, attributes.ports), "ports of sshd beyond those meant"):it(empty)
  end,
}

control "sshd-listen-address" {
  title = "The server listens on the addresses meant for it",
  impact = 0.4,
  desc = "Every ListenAddress is one of listen_addresses; without any line the server listens everywhere. Not judged where the attribute is empty.",
  rationale = "Where machines are managed over a network of its own, logins have no business on the others.",
  fix = "ListenAddress 192.0.2.10 in sshd_config",
  tags = { nist = { "CM-7", "SC-7" } },
  refs = server.REFS,
  only_if = server.installed,
  check = function()
    if #attributes.listen_addresses == 0 then not_applicable "listen_addresses names none" end
    local listening = server.config().ListenAddress or { "any address" }
    describe(names.beyond(listening, attributes.listen_addresses), "addresses of sshd beyond those meant"):it(empty)
  end,
}

control "sshd-protocol" {
  title = "Only version 2 of the protocol is spoken",
  impact = 1.0,
  desc = "Protocol is 2 where it is written down; OpenSSH since 7.6 knows no other.",
  rationale = "Version 1 has faults of design that no key length mends.",
  fix = "Take the line Protocol out of sshd_config.",
  tags = { nist = { "SC-8" } },
  refs = { { "RFC 4253", url = "https://www.rfc-editor.org/rfc/rfc4253" } },
  only_if = server.installed,
  check = function()
    describe(server.config()):its("Protocol", any(absent, cmp "2"))
  end,
}

control "sshd-ciphers" {
  title = "The server offers sound ciphers only",
  impact = 0.8,
  desc = "All Ciphers in effect, OpenSSH's own where none are written, are among the attribute ciphers.",
  rationale = "Client and server settle on what both offer: an old cipher that is offered can be asked for.",
  fix = "Ciphers chacha20-poly1305@openssh.com,aes256-gcm@openssh.com,aes128-gcm@openssh.com,aes256-ctr,aes192-ctr,aes128-ctr in sshd_config",
  tags = { cis = "5.1.6", nist = { "SC-8", "SC-13" } },
  refs = server.REFS,
  only_if = server.installed,
  check = function()
    algorithms.only("sshd", "Ciphers", server.config().Ciphers, attributes.ciphers)
  end,
}

control "sshd-macs" {
  title = "The server offers sound message authentication codes only",
  impact = 0.7,
  desc = "All MACs in effect, OpenSSH's own where none are written, are among the attribute macs.",
  rationale = "OpenSSH's own list still has SHA-1 and tags of 64 bits, for clients of long ago.",
  fix = "MACs hmac-sha2-512-etm@openssh.com,hmac-sha2-256-etm@openssh.com,umac-128-etm@openssh.com in sshd_config",
  tags = { cis = "5.1.15", nist = { "SC-8", "SC-13" } },
  refs = server.REFS,
  only_if = server.installed,
  check = function()
    algorithms.only("sshd", "MACs", server.config().MACs, attributes.macs)
  end,
}

control "sshd-key-exchange" {
  title = "The server offers sound key exchanges only",
  impact = 0.8,
  desc = "All KexAlgorithms in effect, OpenSSH's own where none are written, are among the attribute kex_algorithms.",
  rationale = "Who keeps a recording of a session and breaks its key exchange, even years later, reads all of it.",
  fix = "KexAlgorithms -diffie-hellman-group14-sha256 in sshd_config: a minus takes it out of OpenSSH's own list.",
  tags = { cis = "5.1.12", nist = { "SC-8", "SC-12", "SC-13" } },
  refs = { { "RFC 9142", url = "https://www.rfc-editor.org/rfc/rfc9142" } },
  only_if = server.installed,
  check = function()
    algorithms.only("sshd", "KexAlgorithms", server.config().KexAlgorithms, attributes.kex_algorithms)
  end,
}

control "sshd-signatures" {
  title = "The server takes no keys signed with SHA-1 or DSA",
  impact = 0.7,
  desc = "HostKeyAlgorithms, PubkeyAcceptedAlgorithms and CASignatureAlgorithms name none of signatures_refused; OpenSSH since 8.8 has none of its own accord.",
  rationale = "A collision in SHA-1 can be bought; a signature made with it proves little.",
  fix = "Take ssh-rsa and ssh-dss out of these lines of sshd_config; RSA keys go on to work with rsa-sha2-512.",
  tags = { nist = { "SC-13", "IA-7" } },
  refs = { { "OpenSSH 8.8", url = "https://www.openssh.com/txt/release-8.8" } },
  only_if = server.installed,
  check = function()
    local config = server.config()
    for _, directive in ipairs { "HostKeyAlgorithms", "PubkeyAcceptedAlgorithms", "CASignatureAlgorithms" } do
      algorithms.none("sshd", directive, config[directive], attributes.signatures_refused)
    end
  end,
}
