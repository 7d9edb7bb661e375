-- What PAM asks of passwords, and what it does about wrong ones.

local stack = require "pam_stack"

control "pam-quality-asked" {
  title = "New passwords are judged before they are taken",
  impact = 0.7,
  desc = "Every password stack calls pam_pwquality.",
  rationale = "Without a judge the shortest password anybody thinks of is the one in use.",
  fix = "apt install libpam-pwquality and pam-auth-update; authselect keeps it in the stack on Red Hat",
  tags = { cis = "5.3.2.3", nist = { "IA-5(1)" } },
  refs = { { "pam_pwquality(8)", url = "https://manpages.debian.org/pam_pwquality.8" } },
  only_if = stack.installed,
  check = function()
    describe(stack.without("password", "pam_pwquality.so"), "password stacks without pam_pwquality"):it(empty)
  end,
}

control "pam-quality-length" {
  title = "New passwords are long",
  impact = 0.7,
  desc = "minlen of pam_pwquality is at least password_min_length.",
  rationale = "Length is what guessing takes longest at.",
  fix = "minlen = 14 in /etc/security/pwquality.conf",
  tags = { cis = "5.3.3.2.2", nist = { "IA-5(1)" } },
  refs = { { "pwquality.conf(5)", url = "https://manpages.debian.org/pwquality.conf.5" } },
  only_if = stack.calls("password", "pam_pwquality.so"),
  check = function()
    local given = stack.argument("password", "pam_pwquality.so", "minlen") or stack.settings("/etc/security/pwquality.conf").minlen
    describe(tonumber(given or 8), "minlen of pam_pwquality"):it(at_least(attributes.password_min_length))
  end,
}

control "pam-quality-variety" {
  title = "New passwords are varied, and not the old one again",
  impact = 0.5,
  desc = "minclass, difok and maxrepeat of pam_pwquality are within the attributes.",
  rationale = "aaaaaaaaaaaaaa is long; Summer2025! after Summer2024! is no change.",
  fix = "minclass = 4, difok = 2 and maxrepeat = 3 in /etc/security/pwquality.conf",
  tags = { cis = { "5.3.3.2.1", "5.3.3.2.3", "5.3.3.2.4" }, nist = { "IA-5(1)" } },
  refs = { { "pwquality.conf(5)", url = "https://manpages.debian.org/pwquality.conf.5" } },
  only_if = stack.calls("password", "pam_pwquality.so"),
  check = function()
    local settings = stack.settings "/etc/security/pwquality.conf"
    describe(tonumber(settings.minclass or 0), "minclass of pam_pwquality"):it(at_least(attributes.password_min_classes))
    describe(tonumber(settings.difok or 1), "difok of pam_pwquality"):it(at_least(attributes.password_min_difference))
    describe(tonumber(settings.maxrepeat or 0), "maxrepeat of pam_pwquality"):it(between(1, attributes.password_max_repeat))
  end,
}

control "pam-quality-binding" {
  title = "The judgement binds, for root as well",
  impact = 0.5,
  desc = "pam_pwquality is enforcing, has not lost its dictionary, and holds for root (enforce_for_root).",
  rationale = "A rule root may break is broken for every account root makes.",
  fix = "enforce_for_root in /etc/security/pwquality.conf; remove enforcing = 0 and dictcheck = 0",
  tags = { cis = { "5.3.3.2.6", "5.3.3.2.7", "5.3.3.2.8" }, nist = { "IA-5(1)" } },
  refs = { { "pwquality.conf(5)", url = "https://manpages.debian.org/pwquality.conf.5" } },
  only_if = stack.calls("password", "pam_pwquality.so"),
  check = function()
    local settings = stack.settings "/etc/security/pwquality.conf"
    describe(settings.enforcing ~= "0", "pam_pwquality refuses bad passwords"):it(eq(true))
    describe(settings.dictcheck ~= "0", "pam_pwquality looks into its dictionary"):it(eq(true))
    local root = settings.enforce_for_root or stack.argument("password", "pam_pwquality.so", "enforce_for_root")
    describe(root ~= nil, "pam_pwquality binds root"):it(eq(true))
  end,
}

control "pam-lockout-asked" {
  title = "Wrong passwords are counted",
  impact = 0.7,
  desc = "Every auth stack calls pam_faillock, and every account stack does.",
  rationale = "Without a count the only limit to guessing is the network.",
  fix = "pam-auth-update with a profile for pam_faillock; authselect enable-feature with-faillock on Red Hat",
  tags = { cis = "5.3.2.2", nist = { "AC-7" } },
  refs = { { "pam_faillock(8)", url = "https://man7.org/linux/man-pages/man8/pam_faillock.8.html" } },
  only_if = stack.installed,
  check = function()
    describe(stack.without("auth", "pam_faillock.so"), "auth stacks without pam_faillock"):it(empty)
    describe(stack.without("account", "pam_faillock.so"), "account stacks without pam_faillock"):it(empty)
  end,
}

control "pam-lockout-bounds" {
  title = "After a few wrong passwords an account is closed for a while",
  impact = 0.6,
  desc = "deny of pam_faillock is at most lockout_tries, and unlock_time is 0 (until an administrator opens it) or at least lockout_seconds.",
  rationale = "Five tries a quarter of an hour make guessing hopeless.",
  fix = "deny = 5 and unlock_time = 900 in /etc/security/faillock.conf",
  tags = { cis = { "5.3.3.1.1", "5.3.3.1.2" }, nist = { "AC-7" } },
  refs = { { "faillock.conf(5)", url = "https://man7.org/linux/man-pages/man5/faillock.conf.5.html" } },
  only_if = stack.calls("auth", "pam_faillock.so"),
  check = function()
    local settings = stack.settings "/etc/security/faillock.conf"
    local deny = stack.argument("auth", "pam_faillock.so", "deny") or settings.deny
    local unlock = stack.argument("auth", "pam_faillock.so", "unlock_time") or settings.unlock_time
    if unlock == "never" then unlock = 0 end
    describe(tonumber(deny or 3), "deny of pam_faillock"):it(between(1, attributes.lockout_tries))
    describe(tonumber(unlock or 600), "unlock_time of pam_faillock"):it(any(eq(0), at_least(attributes.lockout_seconds)))
  end,
}

control "pam-history" {
  title = "Old passwords do not come back",
  impact = 0.4,
  desc = "The password stack calls pam_pwhistory, which remembers at least password_history of them.",
  rationale = "A change to a password that has leaked is none.",
  fix = "password required pam_pwhistory.so remember=24 use_authtok before pam_unix (authselect enable-feature with-pwhistory)",
  tags = { cis = { "5.3.2.4", "5.3.3.3.1" }, nist = { "IA-5(1)" } },
  refs = { { "pam_pwhistory(8)", url = "https://man7.org/linux/man-pages/man8/pam_pwhistory.8.html" } },
  only_if = stack.installed,
  check = function()
    describe(stack.without("password", "pam_pwhistory.so"), "password stacks without pam_pwhistory"):it(empty)
    local given = stack.argument("password", "pam_pwhistory.so", "remember") or stack.settings("/etc/security/pwhistory.conf").remember
    describe(tonumber(given or 10), "passwords that pam_pwhistory remembers"):it(at_least(attributes.password_history))
  end,
}

control "pam-no-empty" {
  title = "PAM lets nobody in without a password",
  impact = 0.9,
  desc = "No rule of pam_unix says nullok.",
  rationale = "nullok turns an empty password field into an open door.",
  fix = "Remove nullok from the pam_unix.so lines in /etc/pam.d (authselect enable-feature without-nullok)",
  tags = { cis = "5.3.3.4.1", nist = { "IA-5(1)" } },
  refs = { { "pam_unix(8)", url = "https://man7.org/linux/man-pages/man8/pam_unix.8.html" } },
  only_if = stack.installed,
  check = function()
    local open = {}
    for _, kind in ipairs { "auth", "password" } do
      for _, rule in ipairs(stack.rules(kind)) do
        if rule.module == "pam_unix.so" then
          for _, argument in ipairs(rule.arguments) do
            if argument:match("^nullok") then open[#open + 1] = rule.stack end
          end
        end
      end
    end
    describe(open, "stacks that take an empty password"):it(empty)
  end,
}

control "pam-hash-method" {
  title = "PAM stores passwords with a hash that is slow to guess",
  impact = 0.8,
  desc = "Every password rule of pam_unix names one of pam_hash_methods.",
  rationale = "passwd takes the method from here, not from login.defs.",
  fix = "yescrypt (or sha512) on the password line of pam_unix.so",
  tags = { cis = "5.3.3.4.3", nist = { "IA-5(1)", "SC-13" } },
  refs = { { "pam_unix(8)", url = "https://man7.org/linux/man-pages/man8/pam_unix.8.html" } },
  only_if = stack.installed,
  check = function()
    local strong, weak = {}, {}
    for _, name in ipairs(attributes.pam_hash_methods) do strong[name] = true end
    for _, rule in ipairs(stack.rules "password") do
      if rule.module == "pam_unix.so" then
        local named = false
        for _, argument in ipairs(rule.arguments) do named = named or strong[argument] end
        if not named then weak[#weak + 1] = rule.stack end
      end
    end
    describe(weak, "password stacks with a weak hash or none named"):it(empty)
  end,
}
