-- What has to run, what must not, and what confines the rest.

local config = require "config"
local when = require "when"
local SYSTEMD = { { "systemctl(1)", url = "https://man7.org/linux/man-pages/man1/systemctl.1.html" } }

-- Where a unit leads: the name its link holds, nothing where there is no link.
local function unit_link(name)
  return file("/etc/systemd/system/" .. name).shallow_link_path
end

local function has_systemd()
  if virtualization().container then return false, "this is a container: its host decides" end
  return file("/usr/lib/systemd/systemd").exists or file("/lib/systemd/systemd").exists, "systemd is not installed"
end

control "time-synchronised" {
  title = "One daemon keeps the time",
  impact = 0.5,
  desc = "Exactly one of chrony, systemd-timesyncd, ntpsec, ntp and openntpd is installed and enabled.",
  rationale = "Logs of two machines can be laid side by side only if their clocks agree; two daemons pull at one clock.",
  fix = "apt install chrony and purge the others; dnf install chrony",
  tags = { cis = { "2.3.1.1", "2.3.3.3" }, nist = { "AU-8" } },
  refs = { { "chrony.conf(5)", url = "https://chrony-project.org/documentation.html" } },
  only_if = when.machine,
  check = function()
    local found = {}
    for_each({
      { name = "chrony", units = { "chrony.service", "chronyd.service" }, program = "/usr/sbin/chronyd" },
      { name = "systemd-timesyncd", units = { "systemd-timesyncd.service" }, program = "/usr/lib/systemd/systemd-timesyncd" },
      { name = "ntpsec", units = { "ntpsec.service", "ntp.service", "ntpd.service" }, program = "/usr/sbin/ntpd" },
      { name = "openntpd", units = { "openntpd.service" }, program = "/usr/sbin/openntpd" },
    }, function(daemon)
      if file(daemon.program).exists then
        local enabled = false
        for_each(daemon.units, function(unit)
          if file("/etc/systemd/system/multi-user.target.wants/" .. unit).symlink
            or file("/etc/systemd/system/sysinit.target.wants/" .. unit).symlink then
            enabled = true
          end
        end)
        if enabled then found[#found + 1] = daemon.name end
      end
    end)
    describe(found, "daemons that keep the time"):it(len(1))
  end,
}

control "time-sources" {
  title = "The time comes from named servers",
  impact = 0.4,
  desc = "chrony or timesyncd has at least one server or pool, and each matches time_servers where the site gives that pattern.",
  rationale = "A clock that follows nobody drifts; one that follows a stranger can be set wrong on purpose.",
  fix = "server NAME iburst in /etc/chrony/chrony.conf (/etc/chrony.conf), NTP=NAME in /etc/systemd/timesyncd.conf",
  tags = { cis = { "2.3.2.1", "2.3.3.1" }, nist = { "AU-8" } },
  refs = { { "chrony.conf(5)", url = "https://chrony-project.org/documentation.html" } },
  only_if = function()
    if virtualization().container then return false, "this is a container: its host decides" end
    return file("/etc/chrony/chrony.conf").exists or file("/etc/chrony.conf").exists or file("/etc/systemd/timesyncd.conf").exists,
      "neither chrony nor timesyncd is installed"
  end,
  check = function()
    local servers, files = {}, { "/etc/chrony.conf" }
    for_each({ "/etc/chrony/conf.d", "/etc/chrony/sources.d", "/etc/chrony.d" }, function(place)
      for _, path in ipairs(config.files("/etc/chrony/chrony.conf", place)) do files[#files + 1] = path end
    end)
    config.each_line(files, function(line)
      local kind, name = line:match("^%s*(%a+)%s+(%S+)")
      if kind == "server" or kind == "pool" or kind == "peer" then servers[#servers + 1] = name end
    end)
    if file("/etc/systemd/timesyncd.conf").exists then
      for _, name in ipairs(systemd_config("timesyncd.conf"):value "Time.NTP" or {}) do servers[#servers + 1] = name end
    end
    describe(servers, "servers the time comes from"):it(no(empty)):it(each(matches(attributes.time_servers)))
  end,
}

control "chrony-user" {
  title = "chrony does not run as root",
  impact = 0.4,
  desc = "No configuration of chrony sets its user to root.",
  rationale = "The daemon reads packets from strangers.",
  fix = "user _chrony in /etc/chrony/chrony.conf (user chrony on Red Hat), or no user line at all",
  tags = { cis = "2.3.3.2", nist = { "AC-6" } },
  refs = { { "chrony.conf(5)", url = "https://chrony-project.org/documentation.html" } },
  only_if = when.has("/usr/sbin/chronyd", "chrony"),
  check = function()
    local users = {}
    for_each({ "/etc/chrony/chrony.conf", "/etc/chrony.conf" }, function(path)
      for line in (file(path).content or ""):gmatch("[^\n]+") do
        local name = line:match("^%s*user%s+(%S+)")
        if name then users[#users + 1] = name end
      end
    end)
    for_each({ "/etc/default/chrony", "/etc/sysconfig/chronyd" }, function(path)
      local options = (file(path).content or ""):match("\n?%s*[A-Z_]*OPTS?[A-Z]*=([^\n]*)") or ""
      local name = options:match("%-u%s*([%w_-]+)")
      if name then users[#users + 1] = name end
    end)
    describe(users, "users chrony is told to run as"):it(no(contains "root"))
  end,
}

control "ctrl-alt-del" {
  title = "Three keys do not restart the machine",
  impact = 0.4,
  desc = "ctrl-alt-del.target is masked.",
  rationale = "Somebody at the wrong console means to log in to Windows.",
  fix = "systemctl mask ctrl-alt-del.target",
  tags = { nist = { "AC-6", "CM-6" } },
  refs = { { "systemd.special(7)", url = "https://man7.org/linux/man-pages/man7/systemd.special.7.html" } },
  only_if = has_systemd,
  check = function()
    describe(unit_link "ctrl-alt-del.target", "/etc/systemd/system/ctrl-alt-del.target"):it(eq "/dev/null")
  end,
}

control "rescue-needs-password" {
  title = "The rescue shell asks for root's password",
  impact = 0.5,
  desc = "No unit of rescue or emergency mode starts a shell without sulogin, or sulogin with --force.",
  rationale = "Whoever can make a boot fail would be root otherwise.",
  fix = "Remove overrides of rescue.service and emergency.service that name a shell or set SYSTEMD_SULOGIN_FORCE.",
  tags = { nist = { "AC-3", "IA-2" } },
  refs = { { "sulogin(8)", url = "https://man7.org/linux/man-pages/man8/sulogin.8.html" } },
  only_if = has_systemd,
  check = function()
    local open = {}
    for_each({ "rescue.service", "emergency.service" }, function(unit)
      local paths = { "/etc/systemd/system/" .. unit }
      if directory("/etc/systemd/system/" .. unit .. ".d").exists then
        for _, path in ipairs(find("/etc/systemd/system/" .. unit .. ".d", { name = "*.conf", max_depth = 1 }).paths) do
          paths[#paths + 1] = path
        end
      end
      for_each(paths, function(path)
        for line in (file(path).content or ""):gmatch("[^\n]+") do
          local start = line:match("^%s*ExecStart%s*=%s*(%S.*)")
          if start and not start:find("sulogin", 1, true) then open[#open + 1] = path end
          if line:match("^%s*Environment%s*=.*SYSTEMD_SULOGIN_FORCE=[1yt]") then open[#open + 1] = path end
        end
      end)
    end)
    describe(open, "units that give a shell without a password"):it(empty)
  end,
}

control "services-unneeded" {
  title = "Services a server has no use for are not started",
  impact = 0.5,
  desc = "No unit in services_refused is started at boot.",
  rationale = "What does not run cannot be attacked.",
  fix = "systemctl disable --now UNIT",
  tags = { cis = "2.1.22", nist = { "CM-7" } },
  refs = SYSTEMD,
  only_if = has_systemd,
  check = function()
    local started = {}
    for_each(attributes.services_refused, function(unit)
      local links = find("/etc/systemd/system", { type = "symlink", name = unit, max_depth = 2 }).paths
      for _, path in ipairs(links) do
        -- A link in TARGET.wants starts the unit, one to /dev/null masks it.
        if path:match("%.wants/[^/]+$") or path:match("%.requires/[^/]+$") then started[#started + 1] = unit end
      end
    end)
    describe(started, "services that are started and should not be"):it(empty)
  end,
}

control "firewall" {
  title = "One firewall is started at boot",
  impact = 0.6,
  desc = "Exactly one of nftables, ufw, firewalld and iptables' own service is enabled.",
  rationale = "A service started by mistake stays unreachable behind it; two firewalls overwrite each other's rules.",
  fix = "systemctl enable --now nftables (or ufw, firewalld) and disable the others",
  tags = { cis = "4.1.1", nist = { "SC-7", "CM-7" } },
  refs = { { "nft(8)", url = "https://man7.org/linux/man-pages/man8/nft.8.html" } },
  only_if = has_systemd,
  check = function()
    local enabled = {}
    for_each({ "nftables", "ufw", "firewalld", "iptables", "netfilter-persistent" }, function(name)
      local links = find("/etc/systemd/system", { type = "symlink", name = name .. ".service", max_depth = 2 }).paths
      for _, path in ipairs(links) do
        if path:match("%.wants/[^/]+$") then enabled[#enabled + 1] = name end
      end
    end)
    describe(enabled, "firewalls that are started at boot"):it(len(1))
  end,
}

control "mandatory-access-control" {
  title = "AppArmor or SELinux confines programs",
  impact = 0.7,
  desc = "The kernel runs with AppArmor enabled or SELinux enforcing.",
  rationale = "A service that is taken over can then do only what that service has to do.",
  fix = "apt install apparmor apparmor-utils (Debian); SELINUX=enforcing in /etc/selinux/config (Red Hat); restart",
  tags = { cis = { "1.3.1.1", "1.3.1.2" }, nist = { "AC-3(3)", "SC-39" } },
  refs = {
    { "apparmor(7)", url = "https://manpages.debian.org/apparmor.7" },
    { "selinux(8)", url = "https://man7.org/linux/man-pages/man8/selinux.8.html" },
  },
  only_if = when.machine,
  check = function()
    local apparmor = (file("/sys/module/apparmor/parameters/enabled").content or ""):sub(1, 1) == "Y"
    local selinux = (file("/sys/fs/selinux/enforce").content or ""):sub(1, 1) == "1"
    describe(apparmor or selinux, "AppArmor or SELinux is in force"):it(eq(true))
  end,
}

control "mandatory-access-control-kept" {
  title = "No boot parameter turns AppArmor or SELinux off",
  impact = 0.6,
  desc = "The running kernel's command line holds none of apparmor=0, selinux=0 and enforcing=0.",
  rationale = "A word left over from a search for a fault disarms the machine for good.",
  fix = "Remove the word from GRUB_CMDLINE_LINUX in /etc/default/grub, update-grub, and restart.",
  tags = { cis = "1.3.1.2", nist = { "AC-3(3)", "CM-6" } },
  refs = { { "kernel.org: kernel parameters", url = "https://docs.kernel.org/admin-guide/kernel-parameters.html" } },
  only_if = when.machine,
  check = function()
    local found = {}
    for word in (file("/proc/cmdline").content or ""):gmatch("%S+") do
      if word == "apparmor=0" or word == "selinux=0" or word == "enforcing=0" then found[#found + 1] = word end
    end
    describe(found, "boot parameters that turn it off"):it(empty)
  end,
}

control "selinux-config" {
  title = "SELinux enforces its policy after the next boot as well",
  impact = 0.6,
  desc = "SELINUX is enforcing and SELINUXTYPE names a policy in /etc/selinux/config.",
  rationale = "setenforce 1 is gone after a reboot.",
  fix = "SELINUX=enforcing and SELINUXTYPE=targeted in /etc/selinux/config",
  tags = { nist = { "AC-3(3)", "CM-6" } },
  refs = { { "selinux_config(5)", url = "https://man7.org/linux/man-pages/man5/selinux_config.5.html" } },
  only_if = when.machine_has("/etc/selinux/config", "SELinux"),
  check = function()
    describe(parse_config_file "/etc/selinux/config")
      :its("SELINUX", eq "enforcing")
      :its("SELINUXTYPE", one_of { "targeted", "mls", "default" })
  end,
}
