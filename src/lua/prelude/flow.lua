-- What changes the flow of a control: these suspend it, so they are Lua functions.
local rust, engine = ...
local yield, error, select = coroutine.yield, error, select

-- What a coroutine yields to say why; nothing: it needs answers.
engine.CHILDREN, engine.END = 1, 2
local CHILDREN, END = engine.CHILDREN, engine.END

-- Each of these is made when its name is looked up, with the place of the look-up: in
-- `return for_each(…)` the frame of the caller is gone by the time the function runs.
local flow = {}
engine.flow = flow

-- Runs `body` for every element as a coroutine of the scheduler, then goes on.
function flow.for_each(place)
  return function(list, body)
    if rust.for_each(place, list, body) then yield(CHILDREN) end
  end
end

function flow.one_of_checks(place)
  return function(alternatives)
    local count = rust.alternatives(place, alternatives)
    for i = 1, count do
      rust.alternative(i)
      alternatives[i]()
    end
    rust.alternative(0)
  end
end

-- Ends the control: the scheduler never resumes it, so no pcall can catch this.
local function ending(outcome)
  return function(place)
    return function(reason)
      rust.finish(place, outcome, reason)
      yield(END)
    end
  end
end
flow.skip = ending("skipped")
flow.pass = ending("passed")
flow.not_applicable = ending("not_applicable")

function engine.run_control(only_if, check)
  if only_if then
    local applies, reason = only_if()
    if not applies then
      rust.finish("", "not_applicable", reason == nil and "only_if is not met" or reason)
      yield(END)
    end
  end
  check()
end

-- `control "id" { … }`: the first call names the control, the second one declares it.
function engine.globals.control(id, ...)
  local message = rust.control(id, select("#", ...))
  if message then error(message, 2) end
  return function(definition)
    local problem = rust.define(id, definition)
    if problem then error(problem, 2) end
  end
end

-- Libraries are loaded once. Loading one may not ask the node anything, so it cannot be
-- suspended half-way; but its control may be stopped in the middle, so the names that are
-- being loaded count for this turn of the scheduler only.
local loaded = {}
engine.loading = {}
function engine.globals.require(name)
  local module = loaded[name]
  if module ~= nil then return module end
  local turn = rust.turn()
  if engine.loading.turn ~= turn then engine.loading = { turn = turn } end
  local loading = engine.loading
  for i = 1, #loading do
    if loading[i] == name then error("require: library " .. name .. " requires itself", 2) end
  end
  local body, message = rust.library(name)
  if not body then error(message, 2) end
  local before = rust.set_loading(true)
  loading[#loading + 1] = name
  local result = body()
  loading[#loading] = nil
  rust.set_loading(before)
  if result == nil then result = true end
  loaded[name] = result
  return result
end
