-- The PAM stacks that passwords go through, whatever the distribution calls their files.
local pam_stack = {}

-- Debian's common-* files, then Red Hat's.
local FILES = {
  auth = { "/etc/pam.d/common-auth", "/etc/pam.d/system-auth", "/etc/pam.d/password-auth" },
  account = { "/etc/pam.d/common-account", "/etc/pam.d/system-auth", "/etc/pam.d/password-auth" },
  password = { "/etc/pam.d/common-password", "/etc/pam.d/system-auth", "/etc/pam.d/password-auth" },
}

function pam_stack.installed()
  for _, path in ipairs { "/etc/pam.d/common-auth", "/etc/pam.d/system-auth" } do
    if file(path).exists then return true end
  end
  return false, "there are no common PAM stacks"
end

-- Lines of one type, by file: { path =, control =, module =, arguments = { … } }.
function pam_stack.rules(kind)
  local rules = {}
  for _, path in ipairs(FILES[kind]) do
    local text = (file(path).content or ""):gsub("\\\n", " ")
    for line in text:gmatch("[^\n]+") do
      local word, rest = line:match("^%s*%-?(%a+)%s+(.*)")
      if word == kind then
        local control_word, tail = rest:match("^(%b[])%s+(.*)")
        if not control_word then control_word, tail = rest:match("^(%S+)%s+(.*)") end
        local module, arguments = (tail or ""):match("^(%S+)%s*(.*)")
        if module then
          local words = {}
          for argument in arguments:gsub("#.*", ""):gmatch("%S+") do words[#words + 1] = argument end
          rules[#rules + 1] = { path = path, control = control_word, module = module:match("[^/]+$"), arguments = words }
        end
      end
    end
  end
  return rules
end

-- The files of the stack that are there but do not call the module.
function pam_stack.without(kind, module)
  local calls, missing = {}, {}
  for _, rule in ipairs(pam_stack.rules(kind)) do
    if rule.module == module then calls[rule.path] = true end
  end
  for _, path in ipairs(FILES[kind]) do
    if not calls[path] and file(path).exists then missing[#missing + 1] = path end
  end
  return missing
end

-- The value of an argument `name=value` of a module, as the last rule gives it.
function pam_stack.argument(kind, module, name)
  local value
  for _, rule in ipairs(pam_stack.rules(kind)) do
    if rule.module == module then
      for _, argument in ipairs(rule.arguments) do
        if argument == name then value = true end
        local given = argument:match("^" .. name .. "=(.*)")
        if given then value = given end
      end
    end
  end
  return value
end

-- Settings of a file in /etc/security and of its .d directory, `name = value` a line; a
-- name alone is true. The last one counts, and an argument in the stack before all.
function pam_stack.settings(path)
  local files, settings = {}, {}
  if directory(path .. ".d").exists then
    for _, extra in ipairs(find(path .. ".d", { type = "file", name = "*.conf", max_depth = 1 }).paths) do
      files[#files + 1] = extra
    end
  end
  -- libpwquality reads the directory first and the file itself last.
  files[#files + 1] = path
  for _, name in ipairs(files) do
    for line in (file(name).content or ""):gmatch("[^\n]+") do
      line = line:gsub("#.*", "")
      local key, value = line:match("^%s*([%w_]+)%s*=%s*(%S+)")
      if key then settings[key] = value end
      local flag = line:match("^%s*([%w_]+)%s*$")
      if flag then settings[flag] = true end
    end
  end
  return settings
end

return pam_stack
