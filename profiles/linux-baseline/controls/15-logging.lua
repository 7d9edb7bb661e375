-- What is written down, where, and who may read it.

local config = require "config"
local when = require "when"
local JOURNALD = { { "journald.conf(5)", url = "https://man7.org/linux/man-pages/man5/journald.conf.5.html" } }
local RSYSLOG = { { "rsyslog.conf(5)", url = "https://man7.org/linux/man-pages/man5/rsyslog.conf.5.html" } }
local has_journald = when.has_any({ "/usr/lib/systemd/systemd-journald", "/lib/systemd/systemd-journald" }, "journald")
local has_rsyslog = when.has("/usr/sbin/rsyslogd", "rsyslog")
local has_auditd = when.machine_has("/etc/audit/auditd.conf", "auditd")

control "log-daemon" {
  title = "Something writes the system's log",
  impact = 0.7,
  desc = "journald, rsyslog or syslog-ng is installed.",
  rationale = "Without a log nobody will know.",
  fix = "apt install rsyslog, dnf install rsyslog",
  tags = { cis = { "6.1.1.1", "6.1.3.1" }, nist = { "AU-12" } },
  refs = RSYSLOG,
  only_if = when.machine,
  check = function()
    local found = false
    for_each({
      "/usr/lib/systemd/systemd-journald", "/lib/systemd/systemd-journald", "/usr/sbin/rsyslogd", "/usr/sbin/syslog-ng",
    }, function(path)
      if file(path).exists then found = true end
    end)
    describe(found, "a log daemon is installed"):it(eq(true))
  end,
}

control "journald-persistent" {
  title = "The journal outlives a reboot",
  impact = 0.5,
  desc = "Storage of journald is persistent.",
  rationale = "The reboot is often the intruder's.",
  fix = "Storage=persistent under [Journal] in /etc/systemd/journald.conf.d/baseline.conf; systemctl restart systemd-journald",
  tags = { cis = "6.1.2.4", nist = { "AU-4", "AU-9" } },
  refs = JOURNALD,
  only_if = has_journald,
  check = function() describe(systemd_config "journald.conf"):its("Journal.Storage", eq "persistent") end,
}

control "journald-compress" {
  title = "The journal is compressed",
  impact = 0.2,
  desc = "Compress of journald is not turned off.",
  rationale = "A log that takes less room goes back further.",
  fix = "Compress=yes under [Journal] in /etc/systemd/journald.conf.d/baseline.conf",
  tags = { cis = "6.1.2.3", nist = { "AU-4" } },
  refs = JOURNALD,
  only_if = has_journald,
  check = function()
    describe(systemd_config "journald.conf"):its("Journal.Compress", any(absent, no(matches "(?i)^(no|false|off|0)$")))
  end,
}

control "rsyslog-file-mode" {
  title = "New log files are closed to others",
  impact = 0.5,
  desc = "rsyslog creates files with log_file_mode or stricter.",
  rationale = "Logs tell names, addresses and now and then a password typed into the wrong field.",
  fix = "$FileCreateMode 0640 in /etc/rsyslog.conf",
  tags = { cis = "6.1.3.4", nist = { "AU-9", "AC-3" } },
  refs = RSYSLOG,
  only_if = has_rsyslog,
  check = function()
    local modes = {}
    config.each_line(config.files("/etc/rsyslog.conf", "/etc/rsyslog.d", "*.conf"), function(line)
      local mode = line:match("^%s*%$FileCreateMode%s+(%d+)") or line:match("^[^#]*[fF]ileCreateMode=\"(%d+)\"")
      if mode then modes[#modes + 1] = mode end
    end)
    -- 0644 is what rsyslog does when nothing is said.
    if #modes == 0 then modes = { "0644" } end
    local limit = tonumber(attributes.log_file_mode, 8)
    for _, mode in ipairs(modes) do
      describe(tonumber(mode, 8) & ~limit == 0, "rsyslog's file mode " .. mode .. " is within " .. attributes.log_file_mode):it(eq(true))
    end
  end,
}

control "rsyslog-no-listener" {
  title = "rsyslog takes no messages from the network",
  impact = 0.5,
  desc = "No configuration of rsyslog loads imtcp or imudp, unless log_server.",
  rationale = "Anybody could write lines into the log, or fill the disk with them.",
  fix = "Remove imtcp and imudp from /etc/rsyslog.conf and /etc/rsyslog.d.",
  tags = { cis = "6.1.3.7", nist = { "AU-9", "CM-7" } },
  refs = RSYSLOG,
  only_if = function()
    if attributes.log_server then return false, "this node is a log server" end
    return has_rsyslog()
  end,
  check = function()
    local found = {}
    config.each_line(config.files("/etc/rsyslog.conf", "/etc/rsyslog.d", "*.conf"), function(line, path)
      local bare = line:gsub("#.*", "")
      local module = bare:match("module%s*%(.*load=\"(im[tu][cd]p)\"") or bare:match("^%s*%$ModLoad%s+(im[tu][cd]p)")
      if module then found[#found + 1] = path .. ": " .. module end
    end)
    describe(found, "listeners of rsyslog"):it(empty)
  end,
}

control "log-files-closed" {
  title = "Logs cannot be written, nor most of them read, by everybody",
  impact = 0.6,
  desc = "No file in /var/log is writable by others, and those that log_files_public does not name are not readable by others.",
  rationale = "Logs tell who does what, and evidence that can be rewritten is none.",
  fix = "chmod o-rwx FILE, and the create line of logrotate for it",
  tags = { cis = "6.1.4.1", nist = { "AU-9", "AC-3" } },
  refs = { { "logrotate(8)", url = "https://man7.org/linux/man-pages/man8/logrotate.8.html" } },
  only_if = function() return directory("/var/log").exists, "there is no /var/log" end,
  check = function()
    describe(find("/var/log", { type = "file", all_mode = "0002" }).paths, "logs that everybody can write"):it(empty)
    local read = {}
    for _, path in ipairs(find("/var/log", { type = "file", all_mode = "0004" }).paths) do
      local public = false
      for _, name in ipairs(attributes.log_files_public) do public = public or path == name or path:sub(1, #name + 1) == name .. "/" end
      if not public then read[#read + 1] = path end
    end
    describe(read, "logs that everybody can read"):it(empty)
  end,
}

control "log-directory" {
  title = "Only the system puts logs into /var/log",
  impact = 0.5,
  desc = "/var/log belongs to root and is writable by no group but root, syslog or adm, and not by others.",
  rationale = "Who can rename a log can put another in its place.",
  fix = "chown root:root /var/log; chmod 0755 /var/log",
  tags = { nist = { "AU-9", "AC-3" } },
  refs = { { "hier(7)", url = "https://man7.org/linux/man-pages/man7/hier.7.html" } },
  only_if = function() return directory("/var/log").exists, "there is no /var/log" end,
  check = function()
    describe(directory "/var/log")
      :is("owned_by", "root")
      :its("group", one_of { "root", "syslog", "adm" })
      :is_not("writable_by", "other")
  end,
}

control "log-rotation" {
  title = "Logs are rotated",
  impact = 0.3,
  desc = "logrotate is installed and configured where files are logged to by rsyslog.",
  rationale = "A full disk stops the log, and often the machine.",
  fix = "apt install logrotate, dnf install logrotate",
  tags = { cis = "6.1.3.8", nist = { "AU-4", "AU-11" } },
  refs = { { "logrotate(8)", url = "https://man7.org/linux/man-pages/man8/logrotate.8.html" } },
  only_if = has_rsyslog,
  check = function()
    describe(file "/etc/logrotate.conf"):exists()
    describe(file "/usr/sbin/logrotate"):exists()
  end,
}

control "audit-installed" {
  title = "The kernel's audit records are kept",
  impact = 0.6,
  desc = "auditd is installed.",
  rationale = "Only the kernel can say which file was opened by whom whatever the program says.",
  fix = "apt install auditd, dnf install audit",
  tags = { cis = "6.2.1.1", nist = { "AU-12", "AU-2" } },
  refs = { { "auditd(8)", url = "https://man7.org/linux/man-pages/man8/auditd.8.html" } },
  only_if = function()
    if not attributes.audit_wanted then return false, "the site wants no audit records (attribute audit_wanted)" end
    return when.machine()
  end,
  check = function()
    describe(file("/sbin/auditd").exists or file("/usr/sbin/auditd").exists, "auditd is installed"):it(eq(true))
  end,
}

control "audit-storage" {
  title = "Audit records are not overwritten, and a full disk is noticed",
  impact = 0.5,
  desc = "auditd keeps full logs, and warns or stops when room is short.",
  rationale = "Who wants to hide a deed makes noise until the record of it is gone.",
  fix = "max_log_file_action = keep_logs, space_left_action = email and admin_space_left_action = single in /etc/audit/auditd.conf",
  tags = { cis = { "6.2.2.2", "6.2.2.3", "6.2.2.4" }, nist = { "AU-4", "AU-5" } },
  refs = { { "auditd.conf(5)", url = "https://man7.org/linux/man-pages/man5/auditd.conf.5.html" } },
  only_if = has_auditd,
  check = function()
    local settings = parse_config_file "/etc/audit/auditd.conf"
    local function is_one_of(key, words)
      describe(tostring(settings:value(key)):lower(), "auditd's " .. key):it(one_of(words))
    end
    is_one_of("max_log_file_action", attributes.audit_full_log_actions)
    is_one_of("space_left_action", { "email", "exec", "single", "halt" })
    is_one_of("admin_space_left_action", { "single", "halt" })
    is_one_of("disk_full_action", { "single", "halt", "syslog", "suspend" })
  end,
}

control "audit-log-files" {
  title = "Audit records are root's alone",
  impact = 0.6,
  desc = "/var/log/audit is at most 0750 and the records in it at most 0640, all owned by root.",
  rationale = "They tell what commands were run with what arguments, and have to stay as they were written.",
  fix = "chown root /var/log/audit/*; chmod 0640 /var/log/audit/*; chmod 0750 /var/log/audit",
  tags = { cis = { "6.2.4.1", "6.2.4.2", "6.2.4.3", "6.2.4.4" }, nist = { "AU-9" } },
  refs = { { "auditd.conf(5)", url = "https://man7.org/linux/man-pages/man5/auditd.conf.5.html" } },
  only_if = function() return directory("/var/log/audit").exists, "there are no audit records" end,
  check = function()
    describe(directory "/var/log/audit"):is("owned_by", "root"):its("mode", at_most "0750")
    for_each(find("/var/log/audit", { type = "file" }).paths, function(path)
      describe(file(path)):is("owned_by", "root"):its("mode", at_most "0640")
    end)
  end,
}

control "audit-config-files" {
  title = "Only root changes what is audited",
  impact = 0.6,
  desc = "The files below /etc/audit belong to root and are at most 0640.",
  rationale = "The first thing to switch off is the record.",
  fix = "chown -R root:root /etc/audit; chmod 0640 the files in it",
  tags = { cis = { "6.2.4.5", "6.2.4.6", "6.2.4.7" }, nist = { "AU-9", "CM-5" } },
  refs = { { "auditd.conf(5)", url = "https://man7.org/linux/man-pages/man5/auditd.conf.5.html" } },
  only_if = function() return directory("/etc/audit").exists, "auditd is not installed" end,
  check = function()
    for_each(find("/etc/audit", { type = "file" }).paths, function(path)
      describe(file(path)):is("owned_by", "root"):its("mode", at_most "0640")
    end)
  end,
}

control "audit-rules" {
  title = "Changes to accounts, rights, time and the log itself are recorded",
  impact = 0.6,
  desc = "The audit rules watch every path in audit_watched.",
  rationale = "These are the few files and calls that every intrusion touches.",
  fix = "One line `-w PATH -p wa -k NAME` for each in /etc/audit/rules.d/50-baseline.rules; augenrules --load",
  tags = { cis = { "6.2.3.1", "6.2.3.3", "6.2.3.4", "6.2.3.8", "6.2.3.11", "6.2.3.12" }, nist = { "AU-2", "AU-12" } },
  refs = { { "audit.rules(7)", url = "https://man7.org/linux/man-pages/man7/audit.rules.7.html" } },
  only_if = has_auditd,
  check = function()
    local watched = {}
    local files = find("/etc/audit", { type = "file", name = "*.rules" }).paths
    for_each(files, function(path)
      for line in (file(path).content or ""):gmatch("[^\n]+") do
        local bare = line:gsub("#.*", "")
        local watch, permissions = bare:match("%-w%s+(%S+)%s+%-p%s+(%a+)")
        if not watch then
          watch = bare:match("%-F%s+path=(%S+)") or bare:match("%-F%s+dir=(%S+)")
          permissions = bare:match("%-F%s+perm=(%a+)")
        end
        if watch and permissions and permissions:find("w", 1, true) and permissions:find("a", 1, true) then
          watched[watch:gsub("(.)/$", "%1")] = true
        end
      end
    end)
    local missing = {}
    for _, path in ipairs(attributes.audit_watched) do
      if not watched[path:gsub("(.)/$", "%1")] then missing[#missing + 1] = path end
    end
    describe(missing, "paths nobody watches"):it(empty)
  end,
}

control "audit-immutable" {
  title = "The audit rules hold until the next boot",
  impact = 0.4,
  desc = "The last of the rules is -e 2.",
  rationale = "root cannot switch the record off without a reboot, which is a record of its own.",
  fix = "A line -e 2 in /etc/audit/rules.d/99-finalize.rules; augenrules --load",
  tags = { cis = "6.2.3.20", nist = { "AU-9" } },
  refs = { { "auditctl(8)", url = "https://man7.org/linux/man-pages/man8/auditctl.8.html" } },
  only_if = has_auditd,
  check = function()
    local found = false
    for_each(find("/etc/audit", { type = "file", name = "*.rules" }).paths, function(path)
      if ("\n" .. (file(path).content or "")):match("\n%s*%-e%s+2") then found = true end
    end)
    describe(found, "the audit rules end with -e 2"):it(eq(true))
  end,
}

control "audit-from-boot" {
  title = "Programs that start before auditd are audited too",
  impact = 0.3,
  desc = "The running kernel was started with audit=1.",
  rationale = "What starts first is otherwise never recorded.",
  fix = "Add audit=1 to GRUB_CMDLINE_LINUX in /etc/default/grub, update-grub, and restart.",
  tags = { cis = "6.2.1.3", nist = { "AU-12", "AU-14" } },
  refs = { { "kernel.org: kernel parameters", url = "https://docs.kernel.org/admin-guide/kernel-parameters.html" } },
  only_if = has_auditd,
  check = function()
    describe(" " .. (file("/proc/cmdline").content or ""):gsub("%s", " ") .. " ", "the kernel's command line"):it(contains " audit=1 ")
  end,
}
