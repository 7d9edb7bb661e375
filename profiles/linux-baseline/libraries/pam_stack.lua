-- The PAM stacks that passwords go through, whatever the distribution calls their files.
local config = require "config"
local pam_stack = {}

-- Debian's common-* stacks, then Red Hat's.
local STACKS = {
  auth = { "common-auth", "system-auth", "password-auth" },
  account = { "common-account", "system-auth", "password-auth" },
  password = { "common-password", "system-auth", "password-auth" },
}

function pam_stack.installed()
  for _, path in ipairs { "/etc/pam.d/common-auth", "/etc/pam.d/system-auth" } do
    if file(path).exists then return true end
  end
  return false, "there are no common PAM stacks"
end

-- The rules of one type in the stacks that are there, with what they include; each has
-- `stack`, `module` without its directory, and `arguments`.
function pam_stack.rules(kind)
  local by_stack, rules = {}, {}
  for_each(STACKS[kind], function(name)
    local stack = pam(name)
    by_stack[name] = stack.exists and stack:where { type = kind }.entries or {}
  end)
  for _, name in ipairs(STACKS[kind]) do
    for _, rule in ipairs(by_stack[name]) do
      rules[#rules + 1] = { stack = name, module = rule.module:match("[^/]+$"), arguments = rule.arguments }
    end
  end
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

-- The stacks that are there but do not call the module.
function pam_stack.without(kind, module)
  local calls, missing = {}, {}
  for _, rule in ipairs(pam_stack.rules(kind)) do
    if rule.module == module then calls[rule.stack] = true end
  end
  for_each(STACKS[kind], function(name)
    if not calls[name] and pam(name).exists then missing[#missing + 1] = name end
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
