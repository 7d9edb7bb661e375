-- Functions of `string` that loop in C, in forms where every step counts.
local rust, engine = ...
local error, type, tostring = error, type, tostring
local math_type, unpack, pack = math.type, table.unpack, table.pack

local patterns = {}
engine.strings = patterns

local rep, MAX_TEXT = string.rep, 64 * 1024 * 1024
function patterns.rep(text, times, separator)
  local each = #tostring(text) + #tostring(separator or "")
  if type(times) == "number" and times > 0 and (each + 1) * times > MAX_TEXT then
    error("string.rep of more than " .. MAX_TEXT .. " bytes", 2)
  end
  return rep(text, times, separator)
end

-- Lua would show the address of a table.
local format, find, gsub = string.format, string.find, string.gsub
function patterns.format(template, ...)
  if type(template) == "string" and find(gsub(template, "%%%%", ""), "%%[-+ #0-9.]*p") then
    error("string.format has no %p: an address differs from run to run", 2)
  end
  local values = pack(...)
  for i = 1, values.n do
    local kind = type(values[i])
    if kind == "table" or kind == "function" or kind == "userdata" then values[i] = engine.tostring(values[i]) end
  end
  return format(template, unpack(values, 1, values.n))
end

-- ---- strings: every step of a pattern counts ------------------------------------------------


local function values(ok, ...)
  if not ok then error((...), 2) end
  return ...
end

local function checked(name, text, pattern, init)
  local function bad(position, expected, given)
    error("bad argument #" .. position .. " to '" .. name .. "' (" .. expected .. " expected, got " .. type(given) .. ")", 4)
  end
  if type(text) ~= "string" and type(text) ~= "number" then bad(1, "string", text) end
  if type(pattern) ~= "string" and type(pattern) ~= "number" then bad(2, "string", pattern) end
  if init ~= nil and math_type(init) ~= "integer" then bad(3, "integer", init) end
end

function patterns.find(text, pattern, init, plain)
  checked("find", text, pattern, init)
  return values(rust.find(text, pattern, init, plain and true or false))
end

function patterns.match(text, pattern, init)
  checked("match", text, pattern, init)
  return values(rust.match(text, pattern, init))
end

function patterns.gmatch(text, pattern, init)
  checked("gmatch", text, pattern, init)
  local state = rust.gmatch(text, pattern, init)
  return function() return values(rust.gmatch_next(state)) end
end

-- Driven from here so that a replacement function may ask the node.
local function substitute(replacement, ...)
  local first = ...
  if type(replacement) == "table" then return replacement[first] end
  return (replacement(...))
end

local function gsub_step(state, replacement, ok, first, ...)
  if not ok then error(first, 3) end
  if first == nil then return false end
  if type(replacement) == "string" or type(replacement) == "number" then
    values(rust.gsub_put(state, tostring(replacement), true))
  else
    values(rust.gsub_put(state, substitute(replacement, first, ...), false))
  end
  return true
end

function patterns.gsub(text, pattern, replacement, limit)
  checked("gsub", text, pattern, limit)
  local kind = type(replacement)
  if kind ~= "string" and kind ~= "number" and kind ~= "table" and kind ~= "function" then
    error("bad argument #3 to 'gsub' (string/function/table expected, got " .. kind .. ")", 2)
  end
  local state = rust.gsub(text, pattern, limit)
  repeat until not gsub_step(state, replacement, rust.gsub_next(state))
  return rust.gsub_end(state)
end
