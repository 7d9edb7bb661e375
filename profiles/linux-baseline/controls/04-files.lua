-- What lies about on the disks: programs with privileges, files anybody can change,
-- files of nobody, devices out of place.

local disk = require "disk"
local when = require "when"
local FIND = { { "find(1)", url = "https://man7.org/linux/man-pages/man1/find.1.html" } }

control "setuid-inventory" {
  title = "Only known programs run as their owner",
  impact = 0.9,
  desc = "Every file with the setuid bit on a local file system is one of setuid_allowed.",
  rationale = "Each of them is a door to root; the list should be short and every entry meant.",
  fix = "chmod u-s FILE, or add it to setuid_allowed once it is clear why it needs the bit.",
  tags = { cis = "7.1.13", nist = { "AC-6", "CM-7" } },
  refs = FIND,
  check = function()
    local found = disk.find({ type = "file", any_mode = "6002" }, "4000")
    describe(disk.beyond(found, attributes.setuid_allowed), "setuid programs beyond setuid_allowed"):it(empty)
  end,
}

control "setgid-inventory" {
  title = "Only known programs run as their group",
  impact = 0.7,
  desc = "Every file with the setgid bit on a local file system is one of setgid_allowed.",
  rationale = "A program that runs as shadow, disk or tty gives its caller what that group may do.",
  fix = "chmod g-s FILE, or add it to setgid_allowed once it is clear why it needs the bit.",
  tags = { cis = "7.1.13", nist = { "AC-6", "CM-7" } },
  refs = FIND,
  check = function()
    local found = disk.find({ type = "file", any_mode = "6002" }, "2000")
    describe(disk.beyond(found, attributes.setgid_allowed), "setgid programs beyond setgid_allowed"):it(empty)
  end,
}

control "world-writable-files" {
  title = "No file can be written by everybody",
  impact = 0.8,
  desc = "No regular file on a local file system has the write bit for others.",
  rationale = "Whatever reads such a file does what anybody tells it to.",
  fix = "chmod o-w FILE",
  tags = { cis = "7.1.11", nist = { "AC-3", "CM-5" } },
  refs = FIND,
  check = function()
    describe(disk.find({ type = "file", any_mode = "6002" }, "0002"), "files that everybody can write"):it(empty)
  end,
}

control "world-writable-directories" {
  title = "Shared directories protect the files of each from the others",
  impact = 0.8,
  desc = "Every directory on a local file system that everybody can write has the sticky bit.",
  rationale = "Without it anybody may rename or remove the files of others, and put their own in place.",
  fix = "chmod +t DIRECTORY, or chmod o-w DIRECTORY.",
  tags = { cis = "7.1.11", nist = { "AC-3", "SC-4" } },
  refs = { { "inode(7)", url = "https://man7.org/linux/man-pages/man7/inode.7.html" } },
  check = function()
    local found = disk.find { type = "directory", all_mode = "0002", no_mode = "1000" }
    describe(found, "directories everybody can write, without the sticky bit"):it(empty)
  end,
}

control "unowned-files" {
  title = "Every file belongs to somebody",
  impact = 0.5,
  desc = "No file on a local file system has an owner or a group that no account database knows.",
  rationale = "The next account to get the number gets the files, with all they hold.",
  fix = "chown or remove the files named.",
  tags = { cis = "7.1.12", nist = { "AC-3", "IA-4" } },
  refs = FIND,
  check = function()
    describe(disk.find { unowned = true }, "files without an owner"):it(empty)
    describe(disk.find { ungrouped = true }, "files without a group"):it(empty)
  end,
}

control "stray-devices" {
  title = "Device files are in /dev and nowhere else",
  impact = 0.7,
  desc = "No block or character device lies on a file system that holds ordinary files.",
  rationale = "A device file in a home is a way to the raw disk past all permissions.",
  fix = "Remove the device files named, and mount the file system with nodev.",
  tags = { nist = { "AC-3", "CM-6" } },
  refs = { { "mknod(1)", url = "https://man7.org/linux/man-pages/man1/mknod.1.html" } },
  check = function()
    local found = disk.find { type = { "block_device", "character_device" } }
    local stray = {}
    for _, path in ipairs(found) do
      -- Images that have been unpacked keep the few of /dev that the kernel mounts over;
      -- overlayfs marks deleted files by character devices of its own.
      if path:sub(1, 5) ~= "/dev/" then stray[#stray + 1] = path end
    end
    describe(stray, "device files outside /dev"):it(empty)
  end,
}

control "system-programs" {
  title = "Programs of the system can be changed by root alone",
  impact = 0.9,
  desc = "No file or directory in the program directories is writable by group or others, or belongs to anybody but root.",
  rationale = "Who can change a program changes what everybody runs.",
  fix = "chown root FILE; chmod go-w FILE",
  tags = { nist = { "CM-5", "CM-5(6)" } },
  refs = { { "hier(7)", url = "https://man7.org/linux/man-pages/man7/hier.7.html" } },
  check = function()
    local open, foreign = {}, {}
    for_each({ "/bin", "/sbin", "/usr/bin", "/usr/sbin", "/usr/local/bin", "/usr/local/sbin" }, function(place)
      -- /bin is a link to /usr/bin where the two are merged: looked at once.
      if directory(place).exists and not file(place).symlink then
        local writable, others = disk.changeable(place, { type = { "file", "directory" } })
        disk.append(open, writable)
        disk.append(foreign, others)
      end
    end)
    describe(open, "programs that others can write"):it(empty)
    describe(foreign, "programs that do not belong to root"):it(empty)
  end,
}

control "system-libraries" {
  title = "Shared libraries can be changed by root alone",
  impact = 0.9,
  desc = "No shared object in the library directories is writable by group or others, or belongs to anybody but root.",
  rationale = "A library is part of every program that loads it, setuid programs included.",
  fix = "chown root FILE; chmod go-w FILE",
  tags = { nist = { "CM-5", "CM-5(6)" } },
  refs = { { "ld.so(8)", url = "https://man7.org/linux/man-pages/man8/ld.so.8.html" } },
  check = function()
    local open, foreign = {}, {}
    for_each({ "/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib" }, function(place)
      if directory(place).exists and not file(place).symlink then
        local writable, others = disk.changeable(place, { type = "file", name = "*.so*" })
        disk.append(open, writable)
        disk.append(foreign, others)
      end
    end)
    describe(open, "libraries that others can write"):it(empty)
    describe(foreign, "libraries that do not belong to root"):it(empty)
  end,
}

control "tmp-sticky" {
  title = "/tmp and /var/tmp are shared safely",
  impact = 0.7,
  desc = "Both belong to root, everybody can write them, and the sticky bit is set.",
  rationale = "A /tmp with an owner of its own is that owner's to fill; without the bit everybody removes everybody's files.",
  fix = "chown root:root /tmp /var/tmp; chmod 1777 /tmp /var/tmp",
  tags = { nist = { "SC-4", "AC-3" } },
  refs = { { "hier(7)", url = "https://man7.org/linux/man-pages/man7/hier.7.html" } },
  check = function()
    for_each({ "/tmp", "/var/tmp" }, function(path)
      describe(directory(path)):exists():is("owned_by", "root"):its("mode", eq "1777")
    end)
  end,
}

control "bootloader-files" {
  title = "The configuration of the boot loader is root's alone",
  impact = 0.7,
  desc = "GRUB's generated configuration and user file belong to root and are closed to everybody else.",
  rationale = "They hold the password hash and decide what kernel runs with what parameters.",
  fix = "chown root:root FILE; chmod 0600 FILE",
  tags = { cis = "1.4.2", nist = { "AC-3", "CM-5" } },
  refs = { { "GRUB manual", url = "https://www.gnu.org/software/grub/manual/grub/" } },
  only_if = when.has_any({ "/boot/grub/grub.cfg", "/boot/grub2/grub.cfg" }, "GRUB"),
  check = function()
    local paths = { "/boot/grub/grub.cfg", "/boot/grub2/grub.cfg", "/boot/grub2/user.cfg", "/boot/grub2/grubenv" }
    for_each(paths, function(path)
      if file(path).exists then
        describe(file(path)):is("owned_by", "root"):its("group", eq "root"):its("mode", at_most "0600")
      end
    end)
  end,
}

control "bootloader-password" {
  title = "Changing boot parameters needs a password",
  impact = 0.5,
  desc = "GRUB has a superuser and a password hash made with PBKDF2.",
  rationale = "Without one, anybody at the console adds init=/bin/sh and is root.",
  fix = "grub-mkpasswd-pbkdf2, then set superusers and password_pbkdf2 in /etc/grub.d/40_custom and update-grub (grub2-setpassword on Red Hat).",
  tags = { cis = "1.4.1", nist = { "AC-3", "IA-2" } },
  refs = { { "GRUB manual, Security", url = "https://www.gnu.org/software/grub/manual/grub/html_node/Security.html" } },
  only_if = when.has_any({ "/boot/grub/grub.cfg", "/boot/grub2/grub.cfg" }, "GRUB"),
  check = function()
    local superuser, password = false, false
    for_each({ "/boot/grub/grub.cfg", "/boot/grub2/grub.cfg", "/boot/grub2/user.cfg" }, function(path)
      for line in (file(path).content or ""):gmatch("[^\n]+") do
        superuser = superuser or line:match("^%s*set%s+superusers%s*=") ~= nil
        password = password or line:match("^%s*password_pbkdf2%s+%S+%s+grub%.pbkdf2") ~= nil
          or line:match("^GRUB2_PASSWORD=grub%.pbkdf2") ~= nil
      end
    end)
    describe(superuser, "GRUB names a superuser"):it(eq(true))
    describe(password, "GRUB has a password hash"):it(eq(true))
  end,
}
