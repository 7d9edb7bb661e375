-- What a file of a profile sees as its globals.
local rust, engine = ...
local error, rawget, rawset, setmetatable, getmetatable = error, rawget, rawset, setmetatable, getmetatable
local pairs, tostring = pairs, tostring
local globals, flow = engine.globals, engine.flow

local function fixed(name)
  return function() error(name .. " cannot be changed", 2) end
end

local function read_only(t, name)
  return setmetatable({}, {
    __index = function(_, key)
      local value = t[key]
      if value == nil then error(name .. " has no " .. tostring(key), 2) end
      return value
    end,
    __newindex = fixed(name),
    __metatable = false,
  })
end

local function asked(name, ask)
  return setmetatable({}, { __index = ask, __newindex = fixed(name), __metatable = false })
end

-- Takes the chosen functions of Lua's libraries and closes the globals.
function engine.seal(parts)
  local strings = parts.string
  for name, call in pairs(engine.strings) do strings[name] = call end
  globals.string = read_only(strings, "string")
  globals.utf8 = read_only(parts.utf8, "utf8")
  globals.math = read_only(parts.math, "math")
  globals.table = read_only(engine.table, "table")
  getmetatable("").__index = strings
  globals.attributes = asked("attributes", rust.attribute)
  globals.node = asked("node", rust.node)
  local place = rust.place
  setmetatable(globals, {
    __index = function(_, key)
      local make = flow[key]
      if make then return make(place()) end
      error(rust.unknown_name(key), 2)
    end,
  })
end

-- One environment per file: its functions are its own, and fixed once it is loaded.
function engine.environment()
  return setmetatable({}, {
    __index = globals,
    __newindex = function(env, key, value)
      if not rust.loading() then
        error("a control cannot set the global " .. tostring(key) .. "; write local " .. tostring(key), 2)
      end
      if rawget(globals, key) ~= nil or flow[key] then
        error(tostring(key) .. " is taken and cannot be redefined; choose another name", 2)
      end
      rawset(env, key, value)
    end,
    __metatable = false,
  })
end
