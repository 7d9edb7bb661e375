-- Functions of Lua that a control gets in a safe form: nothing may outlive its budget,
-- depend on Lua's hash seed, or show an address.
local rust, engine = ...
local error, type, rawget, rawset, setmetatable = error, type, rawget, rawset, setmetatable
local pcall, tostring, getmetatable, ipairs = pcall, tostring, getmetatable, ipairs
local unpack, pack, table_concat = table.unpack, table.pack, table.concat

local globals = {}
engine.globals = globals

-- ---- errors ----------------------------------------------------------------------------

-- A control past its budget must not live on by catching its end.
local function alive()
  if rust.dead() then error("the control used up its CPU time", 0) end
end

-- After an error, what the function left half-way (a `require`, a `one_of_checks`) is as
-- it was before the call.
local function caught(mark, depth, ok, problem, ...)
  alive()
  if ok then return true, problem, ... end
  rust.rewind(mark)
  local loading = engine.loading
  for i = #loading, depth + 1, -1 do loading[i] = nil end
  local kind = type(problem)
  if kind == "userdata" or kind == "string" then problem = rust.plain(problem) end
  return false, problem
end

local function safe_pcall(f, ...) return caught(rust.mark(), #engine.loading, pcall(f, ...)) end
engine.pcall = safe_pcall
globals.pcall = safe_pcall

-- Lua runs the handler of xpcall before it unwinds, and after an error of a hook it runs
-- it with hooks off, so a loop in it could never be stopped: call it afterwards instead.
local function handled(handler, ok, problem, ...)
  if ok then return true, problem, ... end
  return false, handler(problem)
end
function globals.xpcall(f, handler, ...) return handled(handler, safe_pcall(f, ...)) end

-- ---- tables ----------------------------------------------------------------------------

-- Finalizers run with hooks off as well.
function globals.setmetatable(t, meta)
  if type(meta) == "table" and rawget(meta, "__gc") ~= nil then
    error("__gc is not available to controls", 2)
  end
  return setmetatable(t, meta)
end

function globals.getmetatable(value)
  if type(value) ~= "table" then return nil end
  return getmetatable(value)
end

function globals.rawset(t, key, value)
  if type(t) ~= "table" or getmetatable(t) == false then error("rawset needs a table of your own", 2) end
  return rawset(t, key, value)
end

-- pairs and next in sorted order, __pairs or not.
function globals.pairs(t)
  if type(t) ~= "table" then error("pairs needs a table, not " .. type(t), 2) end
  local keys, message = rust.sorted_keys(t)
  if message then error(message, 2) end
  local i = 0
  local function step()
    while true do
      i = i + 1
      local key = keys[i]
      if key == nil then return nil end
      local value = rawget(t, key)
      if value ~= nil then return key, value end
    end
  end
  return step, t, nil
end

function globals.next(t, key)
  if type(t) ~= "table" then error("next needs a table, not " .. type(t), 2) end
  local found, value, message = rust.next(t, key)
  if message then error(message, 2) end
  return found, value
end

-- Functions of `table` loop in C up to a length a metatable may lie about.
local function plain_table(t, name)
  if type(t) ~= "table" then error("table." .. name .. " needs a table, not " .. type(t), 3) end
  local meta = getmetatable(t)
  if meta ~= nil and (type(meta) ~= "table" or meta.__len or meta.__index or meta.__newindex) then
    error("table." .. name .. " needs a table without a metatable", 3)
  end
  return t
end

local safe_table = { pack = pack }
for _, name in ipairs { "insert", "remove", "concat" } do
  local call = table[name]
  safe_table[name] = function(t, ...) return call(plain_table(t, name), ...) end
end
function safe_table.unpack(t, i, j) return unpack(plain_table(t, "unpack"), i, j) end

-- With a comparison in Lua every one of them counts: in C, long texts could be compared
-- for hours.
local sort = table.sort
local function less(a, b) return a < b end
function safe_table.sort(t, before) return sort(plain_table(t, "sort"), before or less) end

local move = table.move
function safe_table.move(from, first, last, at, to)
  plain_table(from, "move")
  if to ~= nil then plain_table(to, "move") end
  if type(first) == "number" and type(last) == "number" and last - first > 10000000 then
    error("table.move of more than 10000000 elements", 2)
  end
  return move(from, first, last, at, to or from)
end
engine.table = safe_table

-- ---- texts -----------------------------------------------------------------------------

-- An address in a message would differ from run to run.
local function plain_tostring(value)
  local kind = type(value)
  if kind == "table" or kind == "function" or kind == "thread" or kind == "userdata" then
    local meta = kind == "table" and getmetatable(value)
    local render = type(meta) == "table" and rawget(meta, "__tostring")
    if render then return render(value) end
    if kind == "userdata" then return rust.show(value) end
    return kind
  end
  return tostring(value)
end
engine.tostring = plain_tostring
globals.tostring = plain_tostring

function globals.print(...)
  local words = pack(...)
  for i = 1, words.n do
    local word = plain_tostring(words[i])
    words[i] = type(word) == "string" and word or type(word)
  end
  rust.print(table_concat(words, "\t"))
end
