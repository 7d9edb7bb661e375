-- What the kernel's network code accepts and sends.

local when = require "when"
local sysctl = require "sysctl"
local IP = { { "kernel.org: ip-sysctl", url = "https://docs.kernel.org/networking/ip-sysctl.html" } }

-- Parameters for all interfaces and for those to come, for the families named.
local function for_interfaces(name, value, families)
  local wanted = {}
  for _, family in ipairs(families) do
    for _, which in ipairs { "all", "default" } do
      wanted["net." .. family .. ".conf." .. which .. "." .. name] = value
    end
  end
  return wanted
end

control "sysctl-forwarding" {
  title = "A server is no router",
  impact = 0.6,
  desc = "Packets are not forwarded, IPv4 or IPv6, unless the attribute router says so.",
  rationale = "A server in two networks that forwards joins them behind the firewall's back.",
  fix = "net.ipv4.ip_forward = 0 and net.ipv6.conf.all.forwarding = 0 in /etc/sysctl.d/",
  tags = { cis = "3.3.1", nist = { "SC-7", "CM-7" } },
  refs = IP,
  only_if = function()
    if attributes.router then return false, "this node is a router" end
    return when.machine()
  end,
  check = function()
    sysctl.are({ ["net.ipv4.ip_forward"] = 0, ["net.ipv6.conf.all.forwarding"] = 0 }, true)
  end,
}

control "sysctl-send-redirects" {
  title = "A server does not tell others what way to take",
  impact = 0.4,
  desc = "ICMP redirects are not sent.",
  rationale = "Only routers have reason to; a server taken over could draw traffic to itself.",
  fix = "net.ipv4.conf.all.send_redirects = 0 and net.ipv4.conf.default.send_redirects = 0 in /etc/sysctl.d/",
  tags = { cis = "3.3.2", nist = { "SC-7" } },
  refs = IP,
  only_if = when.machine,
  check = function() sysctl.are(for_interfaces("send_redirects", 0, { "ipv4" })) end,
}

control "sysctl-accept-redirects" {
  title = "Nobody on the network changes the routes of this machine",
  impact = 0.6,
  desc = "ICMP redirects are not accepted, IPv4 or IPv6.",
  rationale = "A redirect needs no authentication and moves traffic to whoever sent it.",
  fix = "net.ipv4.conf.{all,default}.accept_redirects = 0, the same for net.ipv6, in /etc/sysctl.d/",
  tags = { cis = "3.3.5", nist = { "SC-7" } },
  refs = IP,
  only_if = when.machine,
  check = function() sysctl.are(for_interfaces("accept_redirects", 0, { "ipv4", "ipv6" }), true) end,
}

control "sysctl-secure-redirects" {
  title = "Redirects from known gateways are refused as well",
  impact = 0.4,
  desc = "net.ipv4.conf.*.secure_redirects is 0.",
  rationale = "A gateway's address is easily forged on the local network.",
  fix = "net.ipv4.conf.{all,default}.secure_redirects = 0 in /etc/sysctl.d/",
  tags = { cis = "3.3.6", nist = { "SC-7" } },
  refs = IP,
  only_if = when.machine,
  check = function() sysctl.are(for_interfaces("secure_redirects", 0, { "ipv4" })) end,
}

control "sysctl-source-route" {
  title = "The sender of a packet does not choose its way",
  impact = 0.6,
  desc = "Source-routed packets are not accepted, IPv4 or IPv6.",
  rationale = "They reach addresses a firewall meant to hide, and answers go to a forged sender.",
  fix = "net.ipv4.conf.{all,default}.accept_source_route = 0, the same for net.ipv6, in /etc/sysctl.d/",
  tags = { cis = "3.3.8", nist = { "SC-7" } },
  refs = IP,
  only_if = when.machine,
  check = function() sysctl.are(for_interfaces("accept_source_route", 0, { "ipv4", "ipv6" }), true) end,
}

control "sysctl-martians" {
  title = "Packets with impossible addresses are logged",
  impact = 0.3,
  desc = "net.ipv4.conf.*.log_martians is 1.",
  rationale = "They are the first sign of forged senders or of a network wired wrongly.",
  fix = "net.ipv4.conf.{all,default}.log_martians = 1 in /etc/sysctl.d/",
  tags = { cis = "3.3.9", nist = { "AU-12", "SI-4" } },
  refs = IP,
  only_if = when.machine,
  check = function() sysctl.are(for_interfaces("log_martians", 1, { "ipv4" })) end,
}

control "sysctl-reverse-path" {
  title = "A packet comes from where its answer would go",
  impact = 0.5,
  desc = "net.ipv4.conf.*.rp_filter is one of reverse_path_filter.",
  rationale = "It drops packets whose sender is forged.",
  fix = "net.ipv4.conf.{all,default}.rp_filter = 1 in /etc/sysctl.d/ (2 with more than one way out)",
  tags = { cis = "3.3.7", nist = { "SC-7" } },
  refs = IP,
  only_if = when.machine,
  check = function() sysctl.are(for_interfaces("rp_filter", one_of(attributes.reverse_path_filter), { "ipv4" })) end,
}

control "sysctl-broadcast-ping" {
  title = "Pings to everybody are not answered",
  impact = 0.4,
  desc = "net.ipv4.icmp_echo_ignore_broadcasts is 1.",
  rationale = "One forged ping to the network's address makes all its machines answer the victim.",
  fix = "net.ipv4.icmp_echo_ignore_broadcasts = 1 in /etc/sysctl.d/",
  tags = { cis = "3.3.4", nist = { "SC-5" } },
  refs = IP,
  only_if = when.machine,
  check = function() sysctl.are { ["net.ipv4.icmp_echo_ignore_broadcasts"] = 1 } end,
}

control "sysctl-bogus-icmp" {
  title = "Nonsense error messages do not fill the log",
  impact = 0.2,
  desc = "net.ipv4.icmp_ignore_bogus_error_responses is 1.",
  rationale = "A log full of noise hides the line that matters.",
  fix = "net.ipv4.icmp_ignore_bogus_error_responses = 1 in /etc/sysctl.d/",
  tags = { cis = "3.3.3", nist = { "SC-5" } },
  refs = IP,
  only_if = when.machine,
  check = function() sysctl.are { ["net.ipv4.icmp_ignore_bogus_error_responses"] = 1 } end,
}

control "sysctl-syn-cookies" {
  title = "Half-open connections do not use up the machine",
  impact = 0.6,
  desc = "net.ipv4.tcp_syncookies is 1.",
  rationale = "Without cookies a trickle of forged connection requests locks everybody out.",
  fix = "net.ipv4.tcp_syncookies = 1 in /etc/sysctl.d/",
  tags = { cis = "3.3.10", nist = { "SC-5" } },
  refs = IP,
  only_if = when.machine,
  check = function() sysctl.are { ["net.ipv4.tcp_syncookies"] = 1 } end,
}

control "sysctl-time-wait" {
  title = "Closed connections are not torn down by stray resets",
  impact = 0.2,
  desc = "net.ipv4.tcp_rfc1337 is 1.",
  rationale = "A reset that arrives in the waiting time after a close would let old packets into a new connection.",
  fix = "net.ipv4.tcp_rfc1337 = 1 in /etc/sysctl.d/",
  tags = { nist = { "SC-5" } },
  refs = { { "RFC 1337", url = "https://www.rfc-editor.org/rfc/rfc1337" } },
  only_if = when.machine,
  check = function() sysctl.are { ["net.ipv4.tcp_rfc1337"] = 1 } end,
}

control "sysctl-arp" {
  title = "ARP answers name only the interface that was asked",
  impact = 0.2,
  desc = "net.ipv4.conf.all.arp_ignore and arp_announce are at least 1.",
  rationale = "A machine that answers for all its addresses on every wire tells one network about the other.",
  fix = "net.ipv4.conf.all.arp_ignore = 1 and net.ipv4.conf.all.arp_announce = 2 in /etc/sysctl.d/",
  tags = { nist = { "SC-7" } },
  refs = IP,
  only_if = when.machine,
  check = function()
    sysctl.are { ["net.ipv4.conf.all.arp_ignore"] = at_least(1), ["net.ipv4.conf.all.arp_announce"] = at_least(1) }
  end,
}

control "sysctl-router-advertisements" {
  title = "Strangers do not configure IPv6 on this machine",
  impact = 0.5,
  desc = "IPv6 router advertisements are not accepted.",
  rationale = "Anybody on the wire can announce himself as the router.",
  fix = "net.ipv6.conf.{all,default}.accept_ra = 0 in /etc/sysctl.d/; give the machine its addresses by other means",
  tags = { cis = "3.3.11", nist = { "SC-7" } },
  refs = IP,
  only_if = function()
    if attributes.ipv6_autoconfigured then return false, "this node has its IPv6 addresses from router advertisements" end
    return sysctl.present("net.ipv6.conf.all.accept_ra", "the kernel has no IPv6")()
  end,
  check = function() sysctl.are(for_interfaces("accept_ra", 0, { "ipv6" })) end,
}
