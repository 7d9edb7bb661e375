-- The algorithms a configuration has OpenSSH offer.
local names = require "names"
local algorithms = {}

-- What OpenSSH 8.8 to 10 offer of their own accord, all releases taken together: what is
-- not written down depends on the release, and a node may be any of them.
local DEFAULTS = {
  Ciphers = {
    "chacha20-poly1305@openssh.com",
    "aes128-gcm@openssh.com", "aes256-gcm@openssh.com",
    "aes128-ctr", "aes192-ctr", "aes256-ctr",
  },
  MACs = {
    "umac-64-etm@openssh.com", "umac-128-etm@openssh.com",
    "hmac-sha2-256-etm@openssh.com", "hmac-sha2-512-etm@openssh.com", "hmac-sha1-etm@openssh.com",
    "umac-64@openssh.com", "umac-128@openssh.com",
    "hmac-sha2-256", "hmac-sha2-512", "hmac-sha1",
  },
  KexAlgorithms = {
    "mlkem768x25519-sha256",
    "sntrup761x25519-sha512", "sntrup761x25519-sha512@openssh.com",
    "curve25519-sha256", "curve25519-sha256@libssh.org",
    "ecdh-sha2-nistp256", "ecdh-sha2-nistp384", "ecdh-sha2-nistp521",
    "diffie-hellman-group-exchange-sha256",
    "diffie-hellman-group16-sha512", "diffie-hellman-group18-sha512", "diffie-hellman-group14-sha256",
  },
}

-- Every name of a list as it is written: `+` and `^` add to OpenSSH's own, `-` takes away
-- what its patterns fit. An added pattern stays as it is: what it fits is the release's to
-- say, so it is never one of those allowed. Of directives not listed above only what is
-- written counts.
function algorithms.offered(directive, written)
  local sign, list = tostring(written or "+"):match("^([-+^]?)(.*)")
  local offered, removed = {}, {}
  for name in list:gmatch("[^,%s]+") do
    if sign == "-" then
      removed[#removed + 1] = names.pattern(name)
    else
      offered[#offered + 1] = name
    end
  end
  if sign == "" then return offered end
  for _, name in ipairs(DEFAULTS[directive] or {}) do
    local kept = true
    for _, pattern in ipairs(removed) do kept = kept and not name:find(pattern) end
    if kept then offered[#offered + 1] = name end
  end
  return offered
end

-- Everything that `program` offers by the directive is one of `allowed`.
function algorithms.only(program, directive, written, allowed)
  local beyond = names.beyond(algorithms.offered(directive, written), allowed)
  describe(beyond, program .. "'s " .. directive .. " beyond those allowed"):it(empty)
end

-- Nothing that `program` takes by the directive is one of `refused`.
function algorithms.none(program, directive, written, refused)
  local among = names.among(algorithms.offered(directive, written), refused)
  describe(among, program .. "'s " .. directive .. " that are refused"):it(empty)
end

return algorithms
