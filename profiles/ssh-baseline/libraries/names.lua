-- Lists of names, as OpenSSH's configuration and attributes have them.
local names = {}

local function set(list)
  local known = {}
  for _, name in ipairs(list) do known[name] = true end
  return known
end

-- The entries of `list` that `allowed` does not have; each once, in order.
function names.beyond(list, allowed)
  local seen, beyond = set(allowed), {}
  for _, name in ipairs(list) do
    if not seen[name] then
      seen[name] = true
      beyond[#beyond + 1] = name
    end
  end
  return beyond
end

-- The entries of `list` that `refused` has.
function names.among(list, refused)
  local known, among = set(refused), {}
  for _, name in ipairs(list) do
    if known[name] then among[#among + 1] = name end
  end
  return among
end

-- A pattern of OpenSSH, with `*` and `?`, as one of Lua for the whole text.
function names.pattern(written)
  local escaped = written:gsub("[%-%.%+%%%^%$%(%)%[%]]", "%%%0")
  return "^" .. escaped:gsub("%*", ".*"):gsub("%?", ".") .. "$"
end

-- The entries of `list` that none of `allowed`, names and patterns, fits.
function names.unfit(list, allowed)
  local unfit = {}
  for _, name in ipairs(list) do
    local fits = false
    for _, pattern in ipairs(allowed) do fits = fits or name:find(names.pattern(pattern)) ~= nil end
    if not fits then unfit[#unfit + 1] = name end
  end
  return unfit
end

-- The files that lines of Include name. A relative path is below /etc/ssh, and a pattern
-- in the last part of a path is looked up in its directory.
function names.files(lines)
  local patterns = {}
  for _, line in ipairs(lines or {}) do
    for word in line:gmatch("%S+") do
      patterns[#patterns + 1] = word:sub(1, 1) == "/" and word or "/etc/ssh/" .. word
    end
  end
  local files = {}
  for_each(patterns, function(path)
    local folder, last = path:match("^(.*)/([^/]*)$")
    if not last:find("[*?%[]") then
      if file(path).exists then table.insert(files, path) end
    elseif directory(folder).exists then
      local found = find(folder, { type = { "file", "symlink" }, name = last, max_depth = 1 }).paths
      for _, more in ipairs(found) do table.insert(files, more) end
    end
  end)
  table.sort(files)
  return files
end

return names
