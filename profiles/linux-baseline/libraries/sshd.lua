-- What sshd does, defaults of OpenSSH included.
local sshd = {}

function sshd.installed()
  return file("/etc/ssh/sshd_config").exists, "sshd is not installed"
end

-- The value in effect is what the matcher wants: set, or OpenSSH's default.
function sshd.effective(directive, matcher)
  describe(sshd_config():effective(directive), "sshd's " .. directive):it(matcher)
end

-- No element of a list in effect (Ciphers, MACs, KexAlgorithms) is one of `refused`.
function sshd.refuses(directive, refused)
  local weak, found = {}, {}
  for _, name in ipairs(refused) do weak[name] = true end
  local list = sshd_config():effective(directive)
  for name in tostring(list or ""):gmatch("[^,%s]+") do
    if weak[name] then found[#found + 1] = name end
  end
  describe(found, "weak entries of sshd's " .. directive):it(empty())
end

return sshd
