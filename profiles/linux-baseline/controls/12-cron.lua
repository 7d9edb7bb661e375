-- Jobs that run by the clock.

local disk = require "disk"
local when = require "when"
local CRON = { { "crontab(1)", url = "https://man7.org/linux/man-pages/man1/crontab.1.html" } }
local has_cron = when.has_any({ "/usr/sbin/cron", "/usr/sbin/crond" }, "cron")

control "cron-files" {
  title = "Only root sees and changes the system's jobs",
  impact = 0.7,
  desc = "/etc/crontab and the cron directories belong to root and are closed to everybody else.",
  rationale = "What stands there runs as root; who may read it knows what to wait for.",
  fix = "chown root:root and chmod 0600 /etc/crontab; chown root:root and chmod 0700 /etc/cron.d /etc/cron.hourly /etc/cron.daily /etc/cron.weekly /etc/cron.monthly",
  tags = { cis = { "2.4.1.2", "2.4.1.3", "2.4.1.4", "2.4.1.5", "2.4.1.6", "2.4.1.7" }, nist = { "AC-3", "CM-5" } },
  refs = CRON,
  only_if = has_cron,
  check = function()
    if file("/etc/crontab").exists then
      describe(file "/etc/crontab"):is("owned_by", "root"):its("group", eq "root"):its("mode", at_most "0600")
    end
    for_each({ "cron.d", "cron.hourly", "cron.daily", "cron.weekly", "cron.monthly", "cron.yearly" }, function(name)
      local place = directory("/etc/" .. name)
      if place.exists then describe(place):is("owned_by", "root"):its("group", eq "root"):its("mode", at_most "0700") end
    end)
  end,
}

control "cron-jobs-closed" {
  title = "Nobody but root can change what the system's jobs run",
  impact = 0.8,
  desc = "No file in the cron directories is writable by group or others or belongs to anybody but root.",
  rationale = "A job others can write is their way to root, within the hour.",
  fix = "chown root:root FILE; chmod go-w FILE",
  tags = { nist = { "CM-5", "AC-6" } },
  refs = CRON,
  only_if = has_cron,
  check = function()
    local open, foreign = {}, {}
    for_each({ "cron.d", "cron.hourly", "cron.daily", "cron.weekly", "cron.monthly", "cron.yearly" }, function(name)
      local place = "/etc/" .. name
      if directory(place).exists then
        local writable, others = disk.changeable(place, { type = "file" })
        disk.append(open, writable)
        disk.append(foreign, others)
      end
    end)
    describe(open, "jobs that others can write"):it(empty)
    describe(foreign, "jobs that do not belong to root"):it(empty)
  end,
}

control "cron-users" {
  title = "Jobs by the clock are for named users",
  impact = 0.4,
  desc = "/etc/cron.allow exists, is writable by root alone and names only cron_users; /etc/cron.deny does not exist.",
  rationale = "A job is a way to come back after a password was changed.",
  fix = "List the users in /etc/cron.allow; chown root /etc/cron.allow; chmod 0640 /etc/cron.allow; rm /etc/cron.deny",
  tags = { cis = "2.4.1.8", nist = { "AC-6", "CM-7" } },
  refs = CRON,
  only_if = has_cron,
  check = function()
    describe(file "/etc/cron.deny"):does_not_exist()
    describe(file "/etc/cron.allow"):exists():is("owned_by", "root"):its("mode", at_most "0640")
    local known, others = {}, {}
    for _, name in ipairs(attributes.cron_users) do known[name] = true end
    for name in (file("/etc/cron.allow").content or ""):gmatch("%S+") do
      if not known[name] then others[#others + 1] = name end
    end
    describe(others, "users in /etc/cron.allow beyond cron_users"):it(empty)
  end,
}

control "at-users" {
  title = "at is for named users",
  impact = 0.3,
  desc = "/etc/at.allow exists and is writable by root alone; /etc/at.deny does not exist.",
  rationale = "A job is a way to come back after a password was changed.",
  fix = "touch /etc/at.allow; chown root /etc/at.allow; chmod 0640 /etc/at.allow; rm /etc/at.deny",
  tags = { cis = "2.4.2.1", nist = { "AC-6", "CM-7" } },
  refs = { { "at.allow(5)", url = "https://manpages.debian.org/at.allow.5" } },
  only_if = when.has("/usr/bin/at", "at"),
  check = function()
    describe(file "/etc/at.deny"):does_not_exist()
    describe(file "/etc/at.allow"):exists():is("owned_by", "root"):its("mode", at_most "0640")
  end,
}
