-- The steps of a custom resource, a Lua table of a library: its fields and functions are
-- read here, where they may suspend. The answer is then a plain value for Rust to judge;
-- an error in it is an error of the step only. All other steps are functions of Rust.
local rust, engine = ...
local error, type, rawget = error, type, rawget

local function read(subject, property, ...)
  local path = type(property) == "table" and property
  local value = subject[path and rawget(path, 1) or property]
  if type(value) == "function" then value = value(subject, ...) end
  if path then
    for i = 2, #path do
      if type(value) ~= "table" then return nil end
      value = value[path[i]]
    end
  end
  return value
end

local steps = {}
engine.custom_steps = steps

function steps.its(self, property, matcher)
  local place, subject = rust.custom(self, "its")
  return rust.custom_its(self, place, property, matcher, engine.pcall(read, subject, property))
end

function steps.it(self)
  local place = rust.custom(self, "it")
  error(place .. "a custom resource has no value of its own; write :its(\"property\", …)", 0)
end

function steps.is(self, predicate, ...)
  local place, subject = rust.custom(self, "is")
  local ok, value = engine.pcall(read, subject, predicate, ...)
  return rust.custom_is(self, place, predicate, false, ok, value, ...)
end

function steps.is_not(self, predicate, ...)
  local place, subject = rust.custom(self, "is_not")
  local ok, value = engine.pcall(read, subject, predicate, ...)
  return rust.custom_is(self, place, predicate, true, ok, value, ...)
end

function steps.exists(self)
  local place, subject = rust.custom(self, "exists")
  return rust.custom_exists(self, place, false, engine.pcall(read, subject, "exists"))
end

function steps.does_not_exist(self)
  local place, subject = rust.custom(self, "does_not_exist")
  return rust.custom_exists(self, place, true, engine.pcall(read, subject, "exists"))
end
