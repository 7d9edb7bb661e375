-- The part of the engine that must be Lua: only a Lua function may suspend a control from
-- inside a metamethod. Everything that decides anything is in Rust (`rust.*`).
local rust = ...
local yield = coroutine.yield
local error, type, rawget, select, setmetatable = error, type, rawget, select, setmetatable
local pcall, tostring, getmetatable, rawequal = pcall, tostring, getmetatable, rawequal
local rawset, ipairs, pairs = rawset, ipairs, pairs
local math_type = math.type
local unpack, pack, table_concat = table.unpack, table.pack, table.concat

-- ---- resources -------------------------------------------------------------------------

-- Asks Rust until there is an answer: true and the value, false and the message, or nil
-- while answers are outstanding. `level` is the depth of the control's own frame.
local function settle(level, ask, ...)
  while true do
    local state, value = ask(...)
    if state then return value end
    if state == false then error(value, level + 1) end
    yield()
  end
end

-- Functions that are reached through a resource (`passwd():where {…}`), one per name.
local callers = {}

function callers.where(self, selection)
  if type(selection) ~= "function" then
    local state, value = rust.where(self, selection)
    if not state then error(value, 2) end
    return value
  end
  local rows, kept = settle(2, rust.rows, self), {}
  for i = 1, #rows do kept[i] = selection(rows[i]) and true or false end
  return (rust.pick(self, kept))
end

local function caller(name)
  local call = callers[name]
  if not call then
    call = function(self, ...) return (settle(2, rust.call, self, name, ...)) end
    callers[name] = call
  end
  return call
end

local function index(self, key)
  if callers[key] and rust.callable(self, key) then return callers[key] end
  local value = settle(2, rust.property, self, key)
  if rawequal(value, rust.CALLABLE) then return caller(key) end
  return value
end

local function newindex(self, key)
  error("a resource cannot be changed (." .. tostring(key) .. ")", 2)
end

-- ---- describe --------------------------------------------------------------------------

local steps = {}

local function own(self, name)
  if not rust.is_description(self) then
    error("write :" .. name .. "(…) with a colon, not ." .. name .. "(…)", 3)
  end
end

-- A custom resource is a Lua table of a library: its fields and functions are read here,
-- where they may suspend. The answer is then a plain value for Rust to judge.
local function custom(self, key, ...)
  local subject = rust.custom_subject(self)
  if subject == nil then return false end
  local value = subject[key]
  if type(value) == "function" then value = value(subject, ...) end
  return true, value
end

function steps.its(self, property, matcher)
  own(self, "its")
  local is_custom, value = custom(self, property)
  local message = rust.its(self, property, matcher, is_custom, value)
  if message then error(message, 2) end
  return self
end

function steps.it(self, matcher)
  own(self, "it")
  local message = rust.it(self, matcher)
  if message then error(message, 2) end
  return self
end

local function predicate(name, negated)
  steps[name] = function(self, predicate, ...)
    own(self, name)
    local is_custom, value = custom(self, predicate, ...)
    local message = rust.is(self, predicate, negated, is_custom, value, ...)
    if message then error(message, 2) end
    return self
  end
end
predicate("is", false)
predicate("is_not", true)

local function existence(name, negated)
  steps[name] = function(self, ...)
    own(self, name)
    local is_custom, value = custom(self, "exists")
    local message = rust.exists(self, negated, is_custom, value)
    if message then error(message, 2) end
    return self
  end
end
existence("exists", false)
existence("does_not_exist", true)

local function describe_index(_, key)
  if steps[key] then return steps[key] end
  error(rust.unknown_step(key), 2)
end

-- A function of Rust that gives a value, or nothing and a message.
local function raising(make)
  return function(...)
    local value, message = make(...)
    if message then error(message, 2) end
    return value
  end
end

-- ---- flow ------------------------------------------------------------------------------

-- Runs `body` for every element as a coroutine of the scheduler, then goes on.
local function for_each(list, body)
  local message = rust.for_each(list, body)
  if message then error(message, 2) end
  yield()
end

local function one_of_checks(alternatives)
  local message = rust.alternatives(alternatives)
  if message then error(message, 2) end
  for i = 1, #alternatives do
    rust.alternative(i)
    alternatives[i]()
  end
  rust.alternative(0)
end

-- Ends the control: the scheduler never resumes it, so no pcall can catch this.
local function ending(outcome)
  return function(reason)
    local message = rust.finish(outcome, reason)
    if message then error(message, 2) end
    yield()
  end
end

local function run_control(only_if, check)
  if only_if then
    local applies, reason = only_if()
    if not applies then
      rust.finish("not_applicable", reason == nil and "only_if is not met" or reason)
      yield()
    end
  end
  check()
end

-- ---- what controls may call --------------------------------------------------------------

-- A control past its budget must not live on by catching its end.
local function alive(...)
  if rust.dead() then error("the control used up its CPU time", 0) end
  return ...
end

local function safe_pcall(f, ...) return alive(pcall(f, ...)) end

-- Lua runs the handler of xpcall before it unwinds, and after an error of a hook it runs
-- it with hooks off, so a loop in it could never be stopped: call it afterwards instead.
local function handled(handler, ok, problem, ...)
  if ok then return true, problem, ... end
  return false, handler(problem)
end
local function safe_xpcall(f, handler, ...) return handled(handler, alive(pcall(f, ...))) end

-- Finalizers run with hooks off as well, and __pairs would bring back an order of its own.
local function safe_setmetatable(t, meta)
  if type(meta) == "table" and rawget(meta, "__gc") ~= nil then
    error("__gc is not available to controls", 2)
  end
  return setmetatable(t, meta)
end

local function safe_getmetatable(value)
  if type(value) ~= "table" then return nil end
  return getmetatable(value)
end

-- pairs and next in sorted order, so that nothing depends on Lua's hash seed.
local function sorted_pairs(t)
  if type(t) ~= "table" then error("pairs needs a table, not " .. type(t), 2) end
  local keys, i = rust.sorted_keys(t), 0
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

local function sorted_next(t, key)
  if type(t) ~= "table" then error("next needs a table, not " .. type(t), 2) end
  return rust.next(t, key)
end

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

local globals = {
  for_each = for_each,
  one_of_checks = one_of_checks,
  skip = ending("skipped"),
  pass = ending("passed"),
  not_applicable = ending("not_applicable"),
  pcall = safe_pcall,
  xpcall = safe_xpcall,
  setmetatable = safe_setmetatable,
  getmetatable = safe_getmetatable,
  pairs = sorted_pairs,
  next = sorted_next,
  tostring = plain_tostring,
}

function globals.rawset(t, key, value)
  if type(t) ~= "table" or getmetatable(t) == false then error("rawset needs a table of your own", 2) end
  return rawset(t, key, value)
end

function globals.print(...)
  local words = pack(...)
  for i = 1, words.n do words[i] = plain_tostring(words[i]) end
  rust.print(table_concat(words, "\t"))
end

-- `control "id" { … }`: the first call names the control, the second one declares it.
function globals.control(id, ...)
  local message = rust.control(id, select("#", ...))
  if message then error(message, 2) end
  return function(definition)
    local problem = rust.define(id, definition)
    if problem then error(problem, 2) end
  end
end

-- Libraries are loaded once. Loading one may not ask the node anything, so it cannot be
-- suspended half-way.
local loaded = {}
function globals.require(name)
  local module = loaded[name]
  if module == false then error("require: library " .. name .. " requires itself", 2) end
  if module == nil then
    local body, message = rust.library(name)
    if not body then error(message, 2) end
    local before = rust.loading()
    rust.set_loading(true)
    loaded[name] = false
    local ok, result = pcall(body)
    loaded[name] = nil
    rust.set_loading(before)
    if not alive(ok) then error(result, 0) end
    if result == nil then result = true end
    loaded[name] = result
    return result
  end
  return module
end

-- ---- what Lua itself would run without any hook --------------------------------------------

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
for _, name in ipairs { "insert", "remove", "concat", "sort" } do
  local call = table[name]
  safe_table[name] = function(t, ...) return call(plain_table(t, name), ...) end
end
function safe_table.unpack(t, i, j) return unpack(plain_table(t, "unpack"), i, j) end
local move = table.move
function safe_table.move(from, first, last, at, to)
  plain_table(from, "move")
  if to ~= nil then plain_table(to, "move") end
  if type(first) == "number" and type(last) == "number" and last - first > 10000000 then
    error("table.move of more than 10000000 elements", 2)
  end
  return move(from, first, last, at, to or from)
end

local rep, MAX_TEXT = string.rep, 64 * 1024 * 1024
local function safe_rep(text, times, separator)
  local each = #tostring(text) + #tostring(separator or "")
  if type(times) == "number" and times > 0 and (each + 1) * times > MAX_TEXT then
    error("string.rep of more than " .. MAX_TEXT .. " bytes", 2)
  end
  return rep(text, times, separator)
end

-- ---- strings: every step of a pattern counts ------------------------------------------------

local patterns = {}

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

-- ---- environments ----------------------------------------------------------------------------

local function read_only(t, name)
  return setmetatable({}, {
    __index = function(_, key)
      local value = t[key]
      if value == nil then error(name .. " has no " .. tostring(key), 2) end
      return value
    end,
    __newindex = function() error(name .. " cannot be changed", 2) end,
    __metatable = false,
  })
end

local function asked(name, ask)
  return setmetatable({}, {
    __index = function(_, key)
      local value, message = ask(key)
      if message then error(message, 2) end
      return value
    end,
    __newindex = function() error(name .. " cannot be changed", 2) end,
    __metatable = false,
  })
end

local function libraries(parts)
  local strings = parts.string
  strings.rep = safe_rep
  for name, call in pairs(patterns) do strings[name] = call end
  globals.string = read_only(strings, "string")
  globals.utf8 = read_only(parts.utf8, "utf8")
  globals.math = read_only(parts.math, "math")
  globals.table = read_only(safe_table, "table")
  getmetatable("").__index = strings
  globals.attributes = asked("attributes", rust.attribute)
  globals.node = asked("node", rust.node)
end

local strict = {
  __index = function(_, key) error(rust.unknown_name(key), 2) end,
}

local function seal() setmetatable(globals, strict) end

-- One environment per file: its functions are its own, and fixed once it is loaded.
local function environment()
  return setmetatable({}, {
    __index = globals,
    __newindex = function(env, key, value)
      if not rust.loading() then
        error("a control cannot set the global " .. tostring(key) .. "; write local " .. tostring(key), 2)
      end
      if rawget(globals, key) ~= nil then
        error(tostring(key) .. " is taken and cannot be redefined; choose another name", 2)
      end
      rawset(env, key, value)
    end,
    __metatable = false,
  })
end

return {
  libraries = libraries,
  seal = seal,
  environment = environment,
  globals = globals,
  index = index,
  newindex = newindex,
  describe_index = describe_index,
  run_control = run_control,
  raising = raising,
}
