-- What a deployment leaves in /etc/acme-release: lines of KEY=VALUE.
return function()
  local path = "/etc/acme-release"
  local release = { title = "release file " .. path }

  function release.exists()
    return file(path).exists
  end

  function release.version()
    return parse_config_file(path).VERSION
  end

  return release
end
