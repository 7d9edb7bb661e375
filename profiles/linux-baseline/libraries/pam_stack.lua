-- The PAM stacks that passwords go through, whatever the distribution calls their files.
local config = require "config"
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
  config.each_line(FILES[kind], function(line, path)
    local word, rest = line:match("^%s*%-?(%a+)%s+(.*)")
    if word ~= kind then return end
    local control_word, tail = rest:match("^(%b[])%s+(.*)")
    if not control_word then control_word, tail = rest:match("^(%S+)%s+(.*)") end
    local module, arguments = (tail or ""):match("^(%S+)%s*(.*)")
    if not module then return end
    local words = {}
    for argument in arguments:gsub("#.*", ""):gmatch("%S+") do words[#words + 1] = argument end
    rules[#rules + 1] = { path = path, control = control_word, module = module:match("[^/]+$"), arguments = words }
  end, true)
  return rules
end

-- For only_if: whether a stack calls the module whose settings a control judges.
function pam_stack.calls(kind, module)
  return function()
    for _, rule in ipairs(pam_stack.rules(kind)) do
      if rule.module == module then return true end
    end
    return false, "no " .. kind .. " stack calls " .. module
  end
end

-- The files of the stack that are there but do not call the module.
function pam_stack.without(kind, module)
  local calls, missing = {}, {}
  for _, rule in ipairs(pam_stack.rules(kind)) do
    if rule.module == module then calls[rule.path] = true end
  end
  for_each(FILES[kind], function(path)
    if not calls[path] and file(path).exists then missing[#missing + 1] = path end
  end)
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
  local files, settings = config.files(path, path .. ".d", "*.conf"), {}
  -- libpwquality reads the directory first and the file itself last.
  table.insert(files, table.remove(files, 1))
  config.each_line(files, function(line)
    line = line:gsub("#.*", "")
    local key, value = line:match("^%s*([%w_]+)%s*=%s*(%S+)")
    if key then settings[key] = value end
    local flag = line:match("^%s*([%w_]+)%s*$")
    if flag then settings[flag] = true end
  end)
  return settings
end

return pam_stack
