-- What the kernel lets programs do: parameters of the running kernel.

local when = require "when"
local sysctl = require "sysctl"
local KERNEL = { { "kernel.org: sysctl/kernel", url = "https://docs.kernel.org/admin-guide/sysctl/kernel.html" } }
local FS = { { "kernel.org: sysctl/fs", url = "https://docs.kernel.org/admin-guide/sysctl/fs.html" } }

control "sysctl-aslr" {
  title = "Addresses of programs are random",
  impact = 0.9,
  desc = "kernel.randomize_va_space is 2: stack, libraries and heap are placed at random.",
  rationale = "An exploit has to know where things are.",
  fix = "kernel.randomize_va_space = 2 in /etc/sysctl.d/",
  tags = { cis = "1.5.1", nist = { "SI-16" } },
  refs = KERNEL,
  only_if = when.machine,
  check = function() sysctl.are { ["kernel.randomize_va_space"] = 2 } end,
}

control "sysctl-kernel-addresses" {
  title = "The kernel does not tell its addresses",
  impact = 0.6,
  desc = "kernel.kptr_restrict is 1 or 2.",
  rationale = "Addresses read from /proc undo the kernel's own randomisation.",
  fix = "kernel.kptr_restrict = 2 in /etc/sysctl.d/",
  tags = { nist = { "SI-16", "SC-30" } },
  refs = KERNEL,
  only_if = when.machine,
  check = function() sysctl.are { ["kernel.kptr_restrict"] = one_of { 1, 2 } } end,
}

control "sysctl-dmesg" {
  title = "The kernel's messages are for root",
  impact = 0.5,
  desc = "kernel.dmesg_restrict is 1.",
  rationale = "They tell addresses, devices and what just crashed.",
  fix = "kernel.dmesg_restrict = 1 in /etc/sysctl.d/",
  tags = { nist = { "SI-11", "AC-6" } },
  refs = KERNEL,
  only_if = when.machine,
  check = function() sysctl.are { ["kernel.dmesg_restrict"] = 1 } end,
}

control "sysctl-ptrace" {
  title = "A program cannot read the memory of its siblings",
  impact = 0.6,
  desc = "kernel.yama.ptrace_scope is at least ptrace_scope.",
  rationale = "One program taken over would hand over the keys of all others of its user.",
  fix = "kernel.yama.ptrace_scope = 1 in /etc/sysctl.d/",
  tags = { cis = "1.5.2", nist = { "AC-6", "SC-4" } },
  refs = { { "kernel.org: Yama", url = "https://docs.kernel.org/admin-guide/LSM/Yama.html" } },
  only_if = sysctl.present("kernel.yama.ptrace_scope", "the kernel is built without Yama"),
  check = function() sysctl.are { ["kernel.yama.ptrace_scope"] = at_least(attributes.ptrace_scope) } end,
}

control "sysctl-core-dumps" {
  title = "Programs with privileges leave no memory dumps",
  impact = 0.6,
  desc = "fs.suid_dumpable is 0.",
  rationale = "The memory of a setuid program holds what its caller may not see, such as hashes from /etc/shadow.",
  fix = "fs.suid_dumpable = 0 in /etc/sysctl.d/",
  tags = { cis = "1.5.3", nist = { "SC-4", "SI-11" } },
  refs = FS,
  only_if = when.machine,
  check = function() sysctl.are { ["fs.suid_dumpable"] = 0 } end,
}

control "sysctl-links" {
  title = "Links in shared directories cannot mislead programs of others",
  impact = 0.8,
  desc = "fs.protected_symlinks and fs.protected_hardlinks are 1.",
  rationale = "The oldest trick in /tmp: put a link where root is about to write.",
  fix = "fs.protected_symlinks = 1 and fs.protected_hardlinks = 1 in /etc/sysctl.d/",
  tags = { nist = { "AC-6", "SC-4" } },
  refs = FS,
  only_if = when.machine,
  check = function()
    sysctl.are { ["fs.protected_symlinks"] = 1, ["fs.protected_hardlinks"] = 1 }
  end,
}

control "sysctl-fifos" {
  title = "Files and pipes planted in shared directories are not opened by others",
  impact = 0.5,
  desc = "fs.protected_fifos and fs.protected_regular are 1 or 2.",
  rationale = "A program that means to create a file should not write into one somebody laid ready.",
  fix = "fs.protected_fifos = 2 and fs.protected_regular = 2 in /etc/sysctl.d/",
  tags = { nist = { "AC-6", "SC-4" } },
  refs = FS,
  only_if = when.machine,
  check = function()
    sysctl.are { ["fs.protected_fifos"] = one_of { 1, 2 }, ["fs.protected_regular"] = one_of { 1, 2 } }
  end,
}

control "sysctl-bpf" {
  title = "Only root loads BPF programs, and their code is hardened",
  impact = 0.7,
  desc = "kernel.unprivileged_bpf_disabled is 1 or 2 and net.core.bpf_jit_harden is 2.",
  rationale = "The verifier has had holes, and the JIT gives an attacker code of his choice in the kernel.",
  fix = "kernel.unprivileged_bpf_disabled = 1 and net.core.bpf_jit_harden = 2 in /etc/sysctl.d/",
  tags = { nist = { "AC-6", "SI-16" } },
  refs = KERNEL,
  only_if = when.machine,
  check = function()
    sysctl.are({
      ["kernel.unprivileged_bpf_disabled"] = one_of { 1, 2 },
      ["net.core.bpf_jit_harden"] = 2,
    }, true)
  end,
}

control "sysctl-perf" {
  title = "Performance counters are not for everybody",
  impact = 0.4,
  desc = "kernel.perf_event_paranoid is at least 2.",
  rationale = "They measure other programs closely enough to tell their keys.",
  fix = "kernel.perf_event_paranoid = 2 (3 on Debian) in /etc/sysctl.d/",
  tags = { nist = { "AC-6", "SC-4" } },
  refs = KERNEL,
  only_if = sysctl.present("kernel.perf_event_paranoid", "the kernel is built without performance events"),
  check = function() sysctl.are { ["kernel.perf_event_paranoid"] = at_least(2) } end,
}

control "sysctl-sysrq" {
  title = "The keyboard cannot command the kernel",
  impact = 0.4,
  desc = "kernel.sysrq is one of sysrq_allowed.",
  rationale = "With every function on, anybody at the console dumps memory, kills processes or restarts the machine.",
  fix = "kernel.sysrq = 0 in /etc/sysctl.d/ (4: secure attention key only, 176: sync, remount, reboot)",
  tags = { nist = { "AC-6", "CM-7" } },
  refs = { { "kernel.org: SysRq", url = "https://docs.kernel.org/admin-guide/sysrq.html" } },
  only_if = sysctl.present("kernel.sysrq", "the kernel is built without SysRq"),
  check = function() sysctl.are { ["kernel.sysrq"] = one_of(attributes.sysrq_allowed) } end,
}

control "sysctl-kexec" {
  title = "A running kernel cannot be replaced without a boot",
  impact = 0.4,
  desc = "kernel.kexec_load_disabled is 1 where kdump is not wanted (attribute kdump).",
  rationale = "kexec starts a kernel that Secure Boot never saw.",
  fix = "kernel.kexec_load_disabled = 1 in /etc/sysctl.d/",
  tags = { nist = { "CM-7", "SI-7" } },
  refs = KERNEL,
  only_if = function()
    if attributes.kdump then return false, "kdump is wanted, and needs kexec" end
    return sysctl.present("kernel.kexec_load_disabled", "the kernel is built without kexec")()
  end,
  check = function() sysctl.are { ["kernel.kexec_load_disabled"] = 1 } end,
}

control "sysctl-tty-ldisc" {
  title = "Line disciplines of terminals are not loaded for everybody",
  impact = 0.4,
  desc = "dev.tty.ldisc_autoload is 0.",
  rationale = "Old line disciplines are kernel code that any user could have loaded, and several have had holes.",
  fix = "dev.tty.ldisc_autoload = 0 in /etc/sysctl.d/",
  tags = { nist = { "CM-7" } },
  refs = { { "kernel.org: tty", url = "https://docs.kernel.org/driver-api/tty/tty_ldisc.html" } },
  only_if = sysctl.present("dev.tty.ldisc_autoload", "the kernel has no such switch"),
  check = function() sysctl.are { ["dev.tty.ldisc_autoload"] = 0 } end,
}

control "cpu-vulnerabilities" {
  title = "The kernel knows of no open weakness of the processor",
  impact = 0.7,
  desc = "No file in /sys/devices/system/cpu/vulnerabilities says Vulnerable, those in cpu_vulnerabilities_accepted aside.",
  rationale = "Spectre, Meltdown and their kin let one program read the memory of another, or of the kernel.",
  fix = "Update kernel and microcode, remove mitigations=off from the kernel's parameters, and restart.",
  tags = { nist = { "SI-2", "RA-5" } },
  refs = { { "kernel.org: hw-vuln", url = "https://docs.kernel.org/admin-guide/hw-vuln/index.html" } },
  only_if = function()
    if virtualization().container then return false, "this is a container: its host decides" end
    return directory("/sys/devices/system/cpu/vulnerabilities").exists, "the kernel does not tell"
  end,
  check = function()
    local accepted = {}
    for _, name in ipairs(attributes.cpu_vulnerabilities_accepted) do accepted[name] = true end
    for_each(find("/sys/devices/system/cpu/vulnerabilities", { type = "file", max_depth = 1 }).paths, function(path)
      local name = path:match("[^/]+$")
      if not accepted[name] then
        describe((file(path).content or ""):gsub("%s+$", ""), "weakness " .. name):it(no(matches "^Vulnerable|^Unknown: No mitigations"))
      end
    end)
  end,
}

control "kernel-mitigations-on" {
  title = "The kernel is not told to leave its defences off",
  impact = 0.7,
  desc = "The running kernel's command line holds none of the words in kernel_parameters_refused.",
  rationale = "mitigations=off and its kin trade safety for speed, for all programs at once.",
  fix = "Remove the words from GRUB_CMDLINE_LINUX in /etc/default/grub, update-grub, and restart.",
  tags = { nist = { "SI-2", "SI-16" } },
  refs = { { "kernel.org: kernel parameters", url = "https://docs.kernel.org/admin-guide/kernel-parameters.html" } },
  only_if = when.machine,
  check = function()
    local words, found = {}, {}
    for word in (file("/proc/cmdline").content or ""):gmatch("%S+") do words[word] = true end
    for _, word in ipairs(attributes.kernel_parameters_refused) do
      if words[word] then found[#found + 1] = word end
    end
    describe(found, "kernel parameters that turn defences off"):it(empty)
  end,
}

control "cpu-no-execute" {
  title = "The processor refuses to run data",
  impact = 0.6,
  desc = "Every processor of an x86 machine has the flag nx.",
  rationale = "Without it whatever is written into a buffer can be run from there; firmware can turn it off.",
  fix = "Turn on NX, XD or Execute Disable in the firmware, and in the settings of the virtual machine.",
  tags = { nist = { "SI-16" } },
  refs = { { "proc_cpuinfo(5)", url = "https://man7.org/linux/man-pages/man5/proc_cpuinfo.5.html" } },
  only_if = function()
    if virtualization().container then return false, "this is a container: its host decides" end
    local arch = os().arch
    return arch == "x86_64" or arch == "i686", "the flag is one of x86 processors"
  end,
  check = function()
    local without = 0
    for flags in (file("/proc/cpuinfo").content or ""):gmatch("\nflags%s*:([^\n]*)") do
      if not (flags .. " "):find(" nx ", 1, true) then without = without + 1 end
    end
    describe(without, "processors without the flag nx"):it(eq(0))
  end,
}
