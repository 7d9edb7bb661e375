-- Software that has no place on a server, or that has to come from who it says.

local config = require "config"
local software = require "software"
local when = require "when"
local DPKG = { { "dpkg-query(1)", url = "https://man7.org/linux/man-pages/man1/dpkg-query.1.html" } }

control "packages-clear-text-clients" {
  title = "No clients that send passwords in clear are installed",
  impact = 0.5,
  desc = "None of packages_clear_text_clients is installed.",
  rationale = "What is there gets used.",
  fix = "apt purge NAME, dnf remove NAME; use ssh, sftp and curl over TLS",
  tags = { cis = { "2.2.1", "2.2.2", "2.2.3", "2.2.4" }, nist = { "CM-7", "SC-8" } },
  refs = DPKG,
  check = function() software.absent(attributes.packages_clear_text_clients) end,
}

control "packages-clear-text-servers" {
  title = "No servers that take passwords in clear are installed",
  impact = 0.9,
  desc = "None of packages_clear_text_servers is installed.",
  rationale = "telnet, rsh, NIS and TFTP were made for networks without strangers.",
  fix = "apt purge NAME, dnf remove NAME",
  tags = { cis = { "2.1.10", "2.1.16", "2.1.19" }, nist = { "CM-7", "SC-8" } },
  refs = DPKG,
  check = function() software.absent(attributes.packages_clear_text_servers) end,
}

control "packages-desktop" {
  title = "No graphical system is installed",
  impact = 0.3,
  desc = "None of packages_desktop is installed.",
  rationale = "It is a great deal of code with many privileges, for a screen nobody looks at.",
  fix = "apt purge NAME, dnf remove NAME",
  tags = { cis = "2.1.20", nist = { "CM-7" } },
  refs = DPKG,
  check = function() software.absent(attributes.packages_desktop) end,
}

control "packages-discovery" {
  title = "The machine does not announce itself or share printers and folders",
  impact = 0.4,
  desc = "None of packages_discovery is installed.",
  rationale = "Avahi, CUPS, rpcbind and the like listen for strangers and serve a workgroup.",
  fix = "apt purge NAME, dnf remove NAME; name in packages_allowed what this server is for",
  tags = { cis = { "2.1.1", "2.1.2", "2.1.9", "2.1.11", "2.1.12", "2.1.14", "2.1.15" }, nist = { "CM-7" } },
  refs = DPKG,
  check = function() software.absent(attributes.packages_discovery) end,
}

control "packages-intruding" {
  title = "Nothing rewrites programs or sends their memory away",
  impact = 0.3,
  desc = "None of packages_intruding is installed.",
  rationale = "prelink changes programs after they were checked and undoes random addresses; crash reporters send memory to strangers.",
  fix = "prelink -ua, then apt purge NAME or dnf remove NAME",
  tags = { cis = { "1.5.4", "1.5.5" }, nist = { "CM-7", "SI-7" } },
  refs = DPKG,
  check = function() software.absent(attributes.packages_intruding) end,
}

control "packages-analysis" {
  title = "No tools to break in further with are installed",
  impact = 0.4,
  desc = "None of packages_analysis is installed.",
  rationale = "Scanners and sniffers save an intruder the trouble of bringing them.",
  fix = "apt purge NAME, dnf remove NAME",
  tags = { nist = { "CM-7" } },
  refs = DPKG,
  check = function() software.absent(attributes.packages_analysis) end,
}

control "apt-signatures" {
  title = "apt takes only signed packages",
  impact = 0.9,
  desc = "No apt.conf lets unsigned or downgraded archives in, and no source is marked trusted or allow-insecure.",
  rationale = "Packages are installed by root; the signature is all that tells whose they are.",
  fix = "Remove AllowUnauthenticated, AllowInsecureRepositories and [trusted=yes] from /etc/apt, and give the source a Signed-By key.",
  tags = { cis = "1.2.1.1", nist = { "CM-14", "SI-7" } },
  refs = { { "apt-secure(8)", url = "https://manpages.debian.org/apt-secure.8" } },
  only_if = when.has("/etc/apt", "apt"),
  check = function()
    local insecure, files = {}, config.files("/etc/apt/apt.conf", "/etc/apt/apt.conf.d")
    for _, path in ipairs(config.files("/etc/apt/sources.list", "/etc/apt/sources.list.d")) do files[#files + 1] = path end
    config.each_line(files, function(line, path)
      local bare = line:gsub("^%s*#.*", ""):gsub("^%s*//.*", ""):lower()
      local option = bare:match("(allowunauthenticated)%s+\"?true") or bare:match("(allowinsecurerepositories)%s+\"?true")
        or bare:match("(allowweakrepositories)%s+\"?true") or bare:match("(allowdowngradetoinsecurerepositories)%s+\"?true")
        or bare:match("%[.*(trusted)=yes.*%]") or bare:match("^(trusted):%s*yes") or bare:match("%[.*(allow%-insecure)=yes.*%]")
        or bare:match("^(allow%-insecure):%s*yes")
      if option then insecure[#insecure + 1] = path .. ": " .. option end
    end)
    describe(insecure, "settings that let unsigned packages in"):it(empty)
  end,
}

control "dnf-signatures" {
  title = "dnf takes only signed packages",
  impact = 0.9,
  desc = "gpgcheck is 1 in dnf.conf and no repository sets it to 0.",
  rationale = "Packages are installed by root; the signature is all that tells whose they are.",
  fix = "gpgcheck=1 under [main] in /etc/dnf/dnf.conf and in every repository of /etc/yum.repos.d",
  tags = { cis = "1.2.1.2", nist = { "CM-14", "SI-7" } },
  refs = { { "dnf.conf(5)", url = "https://dnf.readthedocs.io/en/latest/conf_ref.html" } },
  only_if = when.has_any({ "/etc/dnf/dnf.conf", "/etc/yum.conf" }, "dnf"),
  check = function()
    for_each({ "/etc/dnf/dnf.conf", "/etc/yum.conf" }, function(path)
      if file(path).exists then
        describe(parse_config_file(path):value { "main", "gpgcheck" }, "gpgcheck in " .. path):it(one_of { "1", "yes", "true", "True" })
      end
    end)
    local loose = {}
    if directory("/etc/yum.repos.d").exists then
      for_each(find("/etc/yum.repos.d", { type = "file", name = "*.repo" }).paths, function(path)
        local section = "?"
        for line in (file(path).content or ""):gmatch("[^\n]+") do
          section = line:match("^%s*%[(.-)%]") or section
          local value = line:match("^%s*gpgcheck%s*=%s*(%S+)")
          if value == "0" or value == "no" or value and value:lower() == "false" then loose[#loose + 1] = path .. ": " .. section end
        end
      end)
    end
    describe(loose, "repositories without signatures"):it(empty)
  end,
}

control "mail-local-only" {
  title = "The mail daemon serves this machine only",
  impact = 0.5,
  desc = "Nothing listens on port 25 of an address other than loopback, unless mail_server.",
  rationale = "A relay that was never meant to be one sends other people's spam.",
  fix = "inet_interfaces = loopback-only in /etc/postfix/main.cf; dc_local_interfaces='127.0.0.1 ; ::1' for exim",
  tags = { cis = "2.1.21", nist = { "CM-7", "SC-7" } },
  refs = { { "postconf(5)", url = "https://www.postfix.org/postconf.5.html" } },
  only_if = function()
    if attributes.mail_server then return false, "this node is a mail server" end
    return port(25).listening, "nothing listens on port 25"
  end,
  check = function()
    local open = {}
    for _, address in ipairs(port(25).addresses) do
      if not address:match("^127%.") and address ~= "::1" then open[#open + 1] = address end
    end
    describe(open, "addresses where mail is taken from the network"):it(empty)
  end,
}

control "listening-ports" {
  title = "Only known ports are open",
  impact = 0.6,
  desc = "Every TCP port that listens on an address other than loopback is in ports_allowed, where the site gives that list.",
  rationale = "A service nobody remembers is one nobody updates.",
  fix = "Stop and disable the service, bind it to loopback, or add the port to ports_allowed.",
  tags = { cis = "2.1.22", nist = { "CM-7", "SC-7" } },
  refs = { { "ss(8)", url = "https://man7.org/linux/man-pages/man8/ss.8.html" } },
  only_if = function() return #attributes.ports_allowed > 0, "the site lists no ports (attribute ports_allowed)" end,
  check = function()
    local allowed, open, seen = {}, {}, {}
    for _, number in ipairs(attributes.ports_allowed) do allowed[number] = true end
    for _, row in ipairs(ports().entries) do
      local local_only = row.address:match("^127%.") or row.address == "::1"
      if row.protocol:match("^tcp") and not local_only and not allowed[row.port] and not seen[row.port] then
        seen[row.port] = true
        open[#open + 1] = row.port
      end
    end
    describe(open, "open ports beyond ports_allowed"):it(empty)
  end,
}
