-- Options of file systems that hold data, not programs.

local when = require "when"
local mounts = require "mount_options"
local MOUNT = { { "mount(8)", url = "https://man7.org/linux/man-pages/man8/mount.8.html" } }

control "mount-tmp" {
  title = "/tmp is a file system of its own and runs nothing",
  impact = 0.6,
  desc = "/tmp is mounted with the options in tmp_mount_options.",
  rationale = "Everybody can write there; what is unpacked there should not run, be setuid, be a device or fill the root.",
  fix = "systemctl enable tmp.mount, or add a line for /tmp to /etc/fstab, with the options nodev,nosuid,noexec.",
  tags = { cis = { "1.1.2.1.1", "1.1.2.1.2", "1.1.2.1.3", "1.1.2.1.4" }, nist = { "CM-7", "SC-5" } },
  refs = MOUNT,
  only_if = when.machine,
  check = function() mounts.include("/tmp", attributes.tmp_mount_options) end,
}

control "mount-dev-shm" {
  title = "Shared memory holds no programs and no devices",
  impact = 0.6,
  desc = "/dev/shm is mounted with the options in shm_mount_options.",
  rationale = "It is a directory everybody can write, and the first place malware unpacks itself to without a trace on disk.",
  fix = "Add `tmpfs /dev/shm tmpfs defaults,nodev,nosuid,noexec 0 0` to /etc/fstab; mount -o remount /dev/shm",
  tags = { cis = { "1.1.2.2.1", "1.1.2.2.2", "1.1.2.2.3", "1.1.2.2.4" }, nist = { "CM-7" } },
  refs = MOUNT,
  only_if = when.machine,
  check = function() mounts.include("/dev/shm", attributes.shm_mount_options) end,
}

control "mount-var-tmp" {
  title = "/var/tmp runs nothing",
  impact = 0.5,
  desc = "Where /var/tmp is a file system of its own, it has the options in tmp_mount_options.",
  rationale = "It is as open as /tmp, and what lies there outlives a reboot.",
  fix = "Add nodev,nosuid,noexec to the options of /var/tmp in /etc/fstab; mount -o remount /var/tmp",
  tags = { cis = { "1.1.2.5.2", "1.1.2.5.3", "1.1.2.5.4" }, nist = { "CM-7" } },
  refs = MOUNT,
  only_if = mounts.separate "/var/tmp",
  check = function() mounts.include("/var/tmp", attributes.tmp_mount_options) end,
}

control "mount-home" {
  title = "Homes hold no devices and no setuid programs",
  impact = 0.5,
  desc = "Where /home is a file system of its own, it has the options in home_mount_options.",
  rationale = "People bring files from everywhere; none of them is to be a way to root.",
  fix = "Add nodev,nosuid to the options of /home in /etc/fstab; mount -o remount /home",
  tags = { cis = { "1.1.2.3.2", "1.1.2.3.3" }, nist = { "CM-7" } },
  refs = MOUNT,
  only_if = mounts.separate "/home",
  check = function() mounts.include("/home", attributes.home_mount_options) end,
}

control "mount-var-log" {
  title = "Logs are data: nothing in /var/log runs",
  impact = 0.4,
  desc = "Where /var/log and /var/log/audit are file systems of their own, they have the options in log_mount_options.",
  rationale = "Daemons write there what strangers send them.",
  fix = "Add nodev,nosuid,noexec to the options of the file system in /etc/fstab and mount it anew.",
  tags = { cis = { "1.1.2.6.2", "1.1.2.6.3", "1.1.2.6.4", "1.1.2.7.2", "1.1.2.7.3", "1.1.2.7.4" }, nist = { "CM-7", "AU-9" } },
  refs = MOUNT,
  only_if = mounts.separate "/var/log",
  check = function()
    mounts.include("/var/log", attributes.log_mount_options)
    if mount("/var/log/audit").mounted then mounts.include("/var/log/audit", attributes.log_mount_options) end
  end,
}

control "mount-var" {
  title = "/var holds no devices and no setuid programs",
  impact = 0.4,
  desc = "Where /var is a file system of its own, it has the options in var_mount_options.",
  rationale = "It is where services keep what they were sent.",
  fix = "Add nodev,nosuid to the options of /var in /etc/fstab; mount -o remount /var",
  tags = { cis = { "1.1.2.4.2", "1.1.2.4.3" }, nist = { "CM-7" } },
  refs = MOUNT,
  only_if = mounts.separate "/var",
  check = function() mounts.include("/var", attributes.var_mount_options) end,
}

control "fstab-options-kept" {
  title = "The options of /tmp, /var/tmp, /home and /dev/shm outlive a reboot",
  impact = 0.4,
  desc = "Where /etc/fstab names one of them, it names the options the baseline wants as well.",
  rationale = "A remount by hand is gone after the next boot.",
  fix = "Add the options to the fourth field of the line in /etc/fstab.",
  tags = { nist = { "CM-6" } },
  refs = { { "fstab(5)", url = "https://man7.org/linux/man-pages/man5/fstab.5.html" } },
  only_if = function()
    if virtualization().container then return false, "this is a container: its host decides" end
    return file("/etc/fstab").exists, "there is no /etc/fstab"
  end,
  check = function()
    local wanted = {
      ["/tmp"] = attributes.tmp_mount_options,
      ["/var/tmp"] = attributes.tmp_mount_options,
      ["/home"] = attributes.home_mount_options,
      ["/dev/shm"] = attributes.shm_mount_options,
    }
    local any = false
    for _, row in ipairs(etc_fstab().entries) do
      local list = wanted[row.mount_point]
      if list then
        any = true
        for _, option in ipairs(list) do
          describe(row.mount_options, "options of " .. row.mount_point .. " in /etc/fstab"):it(contains(option))
        end
      end
    end
    if not any then not_applicable("/etc/fstab names none of them") end
  end,
}
