-- The OpenSSH server: whether it is there, and what it does by its configuration and
-- OpenSSH's defaults.
local names = require "names"
local server = {}

server.REFS = { { "sshd_config(5)", url = "https://man.openbsd.org/sshd_config" } }

-- The program, not its configuration: Debian keeps that when the package is removed.
function server.installed()
  local found = 0
  for_each({ "/usr/sbin/sshd", "/usr/bin/sshd", "/usr/local/sbin/sshd" }, function(path)
    local there = file(path).exists
    if there then found = found + 1 end
  end)
  return found > 0, "the OpenSSH server is not installed"
end

-- What holds for a connection no Match block speaks of. Where the file is not there, sshd
-- has another or does not start: nothing about it is as it should be then.
function server.config()
  local config = sshd_config(attributes.sshd_config_path)
  if not config.exists then describe(config):exists() end
  return config
end

-- The value in effect, set or OpenSSH's default, is what the matcher wants.
function server.effective(directive, matcher)
  describe(server.config():effective(directive), "sshd's " .. directive):it(matcher)
end

-- Whether the directives that forward something count at all.
function server.forwards_nothing()
  return server.config():effective("DisableForwarding") == "yes"
end

-- The files the configuration is read from besides the main one.
function server.included()
  return names.files(server.config().Include)
end

return server
