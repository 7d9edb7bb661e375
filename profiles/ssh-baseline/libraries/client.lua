-- The OpenSSH client: whether it is there, and what it does for every host by its
-- system-wide configuration and OpenSSH's defaults.
local client = {}

client.REFS = { { "ssh_config(5)", url = "https://man.openbsd.org/ssh_config" } }

function client.installed()
  local found = 0
  for_each({ "/usr/bin/ssh", "/usr/local/bin/ssh" }, function(path)
    local there = file(path).exists
    if there then found = found + 1 end
  end)
  return found > 0, "the OpenSSH client is not installed"
end

-- What holds for every host; with `host`, for that one.
function client.config(host)
  return ssh_config { path = attributes.ssh_config_path, host = host }
end

-- ssh_config(5) of release 9; a file that is not there sets nothing.
local DEFAULTS = {
  EnableSSHKeysign = "no",
  ForwardAgent = "no",
  ForwardX11 = "no",
  GatewayPorts = "no",
  GSSAPIDelegateCredentials = "no",
  HashKnownHosts = "no",
  HostbasedAuthentication = "no",
  NoHostAuthenticationForLocalhost = "no",
  PermitLocalCommand = "no",
  StrictHostKeyChecking = "ask",
  Tunnel = "no",
}

-- Words of one choice are read in any case, and some have an older name.
local SAME = { ["true"] = "yes", ["false"] = "no", off = "no" }

function client.value(directive, host)
  local config = client.config(host)
  local written = config.exists and config[directive] or DEFAULTS[directive]
  local word = tostring(written):lower()
  return SAME[word] or word
end

-- The value for every host, set or OpenSSH's default, is what the matcher wants.
function client.effective(directive, matcher)
  describe(client.value(directive), "ssh's " .. directive):it(matcher)
end

-- The hosts blocks name without a pattern: what holds for them can be told.
function client.named_hosts()
  local config = client.config()
  local named = {}
  for _, line in ipairs(config.exists and config.Host or {}) do
    for word in line:gmatch("%S+") do
      if not word:find("[*?!/]") then named[#named + 1] = word end
    end
  end
  return named
end

return client
