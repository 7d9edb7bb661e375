-- What sshd does, defaults of OpenSSH included.
local sshd = {}

function sshd.installed()
  return file("/etc/ssh/sshd_config").exists, "sshd is not installed"
end

-- The value in effect is what the matcher wants: set, or OpenSSH's default.
function sshd.effective(directive, matcher)
  describe(sshd_config():effective(directive), "sshd's " .. directive):it(matcher)
end

-- What OpenSSH 8 and later offers of its own accord and a site may well call weak; its
-- defaults for ciphers and key exchanges hold nothing of that kind.
local DEFAULTS = { MACs = { "umac-64-etm@openssh.com", "umac-64@openssh.com" } }

-- No algorithm that sshd offers is one of `refused`. A list may be written as a change to
-- OpenSSH's own: `+` and `^` add to it, `-` takes away what its patterns fit.
function sshd.refuses(directive, refused)
  local written = sshd_config()[directive]
  local sign, names = tostring(written or "+"):match("^([-+^]?)(.*)")
  local offered, removed = {}, {}
  for name in names:gmatch("[^,%s]+") do
    if sign == "-" then
      removed[#removed + 1] = "^" .. name:gsub("[%-%.%+%%]", "%%%0"):gsub("%*", ".*"):gsub("%?", ".") .. "$"
    else
      offered[name] = true
    end
  end
  if sign ~= "" then
    for _, name in ipairs(DEFAULTS[directive] or {}) do
      local kept = true
      for _, pattern in ipairs(removed) do kept = kept and not name:match(pattern) end
      offered[name] = offered[name] or kept
    end
  end
  local found = {}
  for _, name in ipairs(refused) do
    if offered[name] then found[#found + 1] = name end
  end
  describe(found, "weak entries of sshd's " .. directive):it(empty)
end

return sshd
