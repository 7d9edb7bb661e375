-- Resources in plain code: reading a property suspends the control until its answer is
-- there. Only a Lua function may do that from inside a metamethod.
local rust, engine = ...
local yield = coroutine.yield
local error, type, tostring = error, type, tostring

-- Asks Rust until there is an answer: true and the value, false and the message, or nil
-- while answers are outstanding. `place` is where the control asked, for the message.
local function settle(place, ask, ...)
  local state, value = ask(...)
  while state == nil do
    yield()
    state, value = ask(...)
  end
  if state then return value end
  error(place .. value, 0)
end

local methods = {}

-- `resource:NAME(…)`. The place is taken when the name is looked up: in `return f:name()`
-- the frame of the caller is gone by the time the function runs.
function methods.call(name, place)
  return function(self, ...)
    if type(self) ~= "userdata" then error(place .. "write :" .. name .. "(…) with a colon, not ." .. name .. "(…)", 0) end
    return (settle(place, rust.call, self, name, ...))
  end
end

-- `table:where(function(row) … end)`: the rows are judged side by side, so that what the
-- function asks of the node is asked for all rows at once.
local function judged(place, self, selection)
  local rows = settle(place, rust.rows, self) or {}
  local kept, broken = {}, {}
  local function judge(i)
    local ok, holds = engine.pcall(selection, rows[i])
    kept[i] = ok and holds and true or false
    if not ok then broken[i] = holds end
  end
  if rust.bodies(#rows, judge) then yield(engine.CHILDREN) end
  for i = 1, #rows do
    if broken[i] ~= nil then error(broken[i], 0) end
  end
  return (settle(place, rust.pick, self, kept))
end

function methods.where(_, place)
  return function(self, selection)
    if type(self) ~= "userdata" then error(place .. "write :where(…) with a colon, not .where(…)", 0) end
    if type(selection) == "function" then return judged(place, self, selection) end
    return (settle(place, rust.where, self, selection))
  end
end

function engine.index(self, key)
  local state, value = rust.property(self, key)
  while state == nil do
    yield()
    state, value = rust.property(self, key)
  end
  if state == true then return value end
  if state == false then error(value, 2) end
  return methods[state](key, value)
end

function engine.newindex(_, key)
  error("a resource cannot be changed (." .. tostring(key) .. ")", 2)
end
