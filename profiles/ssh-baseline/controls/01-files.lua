-- The server's files: its configuration, its keys, its primes.

local algorithms = require "algorithms"
local names = require "names"
local server = require "server"

control "sshd-config-file" {
  title = "Only root reads and changes the server's configuration",
  impact = 0.7,
  desc = "sshd_config and the files beside it in sshd_config.d belong to root, with permissions of sshd_config_mode at most.",
  rationale = "Whoever can write there lets in whom they like; whoever can read it learns which accounts are worth a try.",
  fix = "chown root:root FILE; chmod 0600 FILE",
  tags = { cis = "5.1.1", nist = { "AC-3", "CM-5" } },
  refs = server.REFS,
  only_if = server.installed,
  check = function()
    local main = attributes.sshd_config_path
    local files = { main }
    for _, path in ipairs(server.included()) do
      if path:sub(1, #main + 3) == main .. ".d/" then files[#files + 1] = path end
    end
    for_each(files, function(path)
      describe(file(path)):is("owned_by", "root"):its("group", eq "root"):its("mode", at_most(attributes.sshd_config_mode))
    end)
  end,
}

control "sshd-included-files" {
  title = "What the configuration includes is root's to change",
  impact = 0.7,
  desc = "Every file that Include names, wherever it is, belongs to root and can be written by nobody else.",
  rationale = "An included file has the power of the one that includes it; crypto policies and the like lie in other directories.",
  fix = "chown root:root FILE; chmod go-w FILE",
  tags = { nist = { "AC-3", "CM-5" } },
  refs = server.REFS,
  only_if = server.installed,
  check = function()
    local files = server.included()
    if #files == 0 then not_applicable "the configuration includes no file" end
    for_each(files, function(path)
      describe(file(path)):is("owned_by", "root"):its("mode", at_most "0755")
    end)
  end,
}

control "sshd-directory" {
  title = "Only root puts files into /etc/ssh",
  impact = 0.7,
  desc = "/etc/ssh belongs to root and can be written by nobody else.",
  rationale = "In a directory one can write, a file one cannot write is simply replaced.",
  fix = "chown root:root /etc/ssh; chmod 0755 /etc/ssh",
  tags = { nist = { "AC-3", "CM-5" } },
  refs = { { "sshd(8)", url = "https://man.openbsd.org/sshd#FILES" } },
  only_if = server.installed,
  check = function()
    describe(directory "/etc/ssh"):is("owned_by", "root"):its("mode", at_most "0755")
  end,
}

-- The host keys: those HostKey names, else those sshd looks for by itself.
local function host_keys()
  local named = server.config().HostKey
  if named then return named end
  local found = {}
  for_each({ "rsa", "ecdsa", "ed25519" }, function(kind)
    local path = "/etc/ssh/ssh_host_" .. kind .. "_key"
    if file(path).exists then table.insert(found, path) end
  end)
  table.sort(found)
  return found
end

control "sshd-host-key-files" {
  title = "The private host keys are root's alone",
  impact = 0.9,
  desc = "Every private host key belongs to root, to a group of host_key_groups, and is closed to all others; its public half is writable by root alone.",
  rationale = "With a copy of the key another machine is this one to every client, and nobody sees a warning.",
  fix = "chown root:root KEY; chmod 0600 KEY; chmod 0644 KEY.pub. A key others could read has to be made anew.",
  tags = { cis = { "5.1.2", "5.1.3" }, nist = { "SC-12", "AC-3" } },
  refs = { { "sshd(8)", url = "https://man.openbsd.org/sshd#FILES" } },
  only_if = server.installed,
  check = function()
    local keys = host_keys()
    describe(keys, "host keys of sshd"):it(len(at_least(1)))
    for_each(keys, function(path)
      -- An agent keeps the private half of a key of which the public one is named.
      if path:find("%.pub$") then
        describe(file(path)):is("owned_by", "root"):its("mode", at_most "0644")
        return
      end
      local key = file(path)
      local limit = key.group ~= "root" and "0640" or "0600"
      describe(key):is("owned_by", "root"):its("group", one_of(attributes.host_key_groups)):its("mode", at_most(limit))
      local public = file(path .. ".pub")
      if public.exists then describe(public):is("owned_by", "root"):its("mode", at_most "0644") end
    end)
  end,
}

-- The bits of the modulus in an RSA public key as RFC 4253, 6.6 packs it: the name of the
-- type (4 + 7 bytes), the exponent (4 + 3 bytes, as ssh-keygen always chooses 65537), and
-- the modulus (4 bytes, a zero before the sign bit, then the number).
local function rsa_bits(base64)
  local padding = #base64:match("=*$")
  local bytes = #base64 * 3 // 4 - padding
  return (bytes - 11 - 7 - 4 - 1) * 8
end

control "sshd-host-key-strength" {
  title = "The host keys are of sound types and sizes",
  impact = 0.7,
  desc = "Every host key's type is one of host_key_types, and an RSA key has rsa_min_bits at least. The public half is looked at.",
  rationale = "A host key lives for years: DSA is fixed at 1024 bits, and an RSA key of 2048 is below what is advised for data that has to last.",
  fix = "rm KEY KEY.pub; ssh-keygen -t rsa -b 3072 -N '' -f KEY; or leave it out with HostKey lines for the others.",
  tags = { nist = { "SC-12", "SC-13" } },
  refs = { { "NIST SP 800-57 Part 1", url = "https://csrc.nist.gov/pubs/sp/800/57/pt1/r5/final" } },
  only_if = server.installed,
  check = function()
    for_each(host_keys(), function(path)
      local public = file(path:gsub("%.pub$", "") .. ".pub")
      if public.exists then
        local kind, data = public.content:match("^(%S+)%s+(%S+)")
        describe(kind, "type of host key " .. path):it(one_of(attributes.host_key_types))
        if kind == "ssh-rsa" then
          describe(rsa_bits(data), "bits of host key " .. path):it(at_least(attributes.rsa_min_bits))
        end
      end
    end)
    pass "host keys are of the types wanted"
  end,
}

control "sshd-moduli" {
  title = "No short primes are offered for the key exchange",
  impact = 0.6,
  desc = "Every line of the moduli file has moduli_min_bits at least, where diffie-hellman-group-exchange is offered.",
  rationale = "One computation against a prime that many servers share opens every session made with it; short primes are within reach.",
  fix = "awk '$5 >= 3071' /etc/ssh/moduli >/etc/ssh/moduli.new && mv /etc/ssh/moduli.new /etc/ssh/moduli",
  tags = { nist = { "SC-8", "SC-13" } },
  refs = { { "moduli(5)", url = "https://man.openbsd.org/moduli" }, { "RFC 9142", url = "https://www.rfc-editor.org/rfc/rfc9142" } },
  only_if = server.installed,
  check = function()
    local asked = false
    for _, name in ipairs(algorithms.offered("KexAlgorithms", server.config().KexAlgorithms)) do
      asked = asked or name:find("^diffie%-hellman%-group%-exchange") ~= nil or name:find("*", 1, true) ~= nil
    end
    if not asked then not_applicable "the server does not offer diffie-hellman-group-exchange" end
    local path = server.config().ModuliFile or attributes.moduli_path
    local moduli = file(path)
    describe(moduli):exists()
    if not moduli.exists then return end
    -- time type tests tries size generator modulus
    local primes, short = 0, {}
    for line in moduli.content:gmatch("[^\n]+") do
      local size = tonumber(line:match("^%d+ %d+ %d+ %d+ (%d+) "))
      if size then primes = primes + 1 end
      if size and size < attributes.moduli_min_bits then short[#short + 1] = size end
    end
    -- Without any sshd falls back to primes of its own, of 2048 bits for some clients.
    describe(primes, "primes in " .. path):it(at_least(1))
    describe(names.beyond(short, {}), "sizes of primes in " .. path .. " that are too short"):it(empty)
  end,
}
