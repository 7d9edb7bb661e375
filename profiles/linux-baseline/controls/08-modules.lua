-- Kernel code that a server has no use for and that nobody should be able to load.

local when = require "when"
local MODPROBE = { { "modprobe.d(5)", url = "https://man7.org/linux/man-pages/man5/modprobe.d.5.html" } }

local function are_disabled(names)
  for_each(names, function(name)
    describe(kernel_module(name)):is_not("loaded"):is("disabled")
  end)
end

control "modules-file-systems" {
  title = "Rare file systems cannot be loaded",
  impact = 0.4,
  desc = "None of the modules in modules_file_systems is loaded, and modprobe refuses each.",
  rationale = "Mounting a crafted image runs their code in the kernel, and few eyes have been on it.",
  fix = "Write `install NAME /bin/false` and `blacklist NAME` for each into /etc/modprobe.d/baseline.conf; modprobe -r NAME",
  tags = { cis = { "1.1.1.1", "1.1.1.2", "1.1.1.3", "1.1.1.4", "1.1.1.5", "1.1.1.8" }, nist = { "CM-7" } },
  refs = MODPROBE,
  only_if = when.machine,
  check = function() are_disabled(attributes.modules_file_systems) end,
}

control "modules-network-protocols" {
  title = "Rare network protocols cannot be loaded",
  impact = 0.5,
  desc = "None of the modules in modules_network_protocols is loaded, and modprobe refuses each.",
  rationale = "Any user can have them loaded by opening a socket; several have given root away.",
  fix = "Write `install NAME /bin/false` and `blacklist NAME` for each into /etc/modprobe.d/baseline.conf; modprobe -r NAME",
  tags = { cis = { "3.2.1", "3.2.2", "3.2.3", "3.2.4" }, nist = { "CM-7" } },
  refs = MODPROBE,
  only_if = when.machine,
  check = function() are_disabled(attributes.modules_network_protocols) end,
}

control "modules-usb-storage" {
  title = "USB disks are not accepted",
  impact = 0.4,
  desc = "The module usb-storage is not loaded and modprobe refuses it, unless usb_storage_allowed.",
  rationale = "A stick carries programs in and data out past every firewall.",
  fix = "Write `install usb-storage /bin/false` into /etc/modprobe.d/baseline.conf; modprobe -r usb-storage",
  tags = { cis = "1.1.1.9", nist = { "MP-7", "CM-7" } },
  refs = MODPROBE,
  only_if = function()
    if attributes.usb_storage_allowed then return false, "this node may use USB disks" end
    return when.machine()
  end,
  check = function() are_disabled { "usb-storage" } end,
}

control "modules-memory-buses" {
  title = "Buses that reach into memory are closed",
  impact = 0.4,
  desc = "None of the modules in modules_memory_buses is loaded, and modprobe refuses each.",
  rationale = "FireWire lets the device at the other end read and write memory.",
  fix = "Write `install NAME /bin/false` for each into /etc/modprobe.d/baseline.conf; modprobe -r NAME",
  tags = { nist = { "CM-7", "AC-19" } },
  refs = MODPROBE,
  only_if = when.machine,
  check = function() are_disabled(attributes.modules_memory_buses) end,
}
