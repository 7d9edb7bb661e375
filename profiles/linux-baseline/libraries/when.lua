-- Conditions that many controls share. Each gives what only_if wants: whether the control
-- applies, and why not.
local when = {}

-- What the host of a container decides is not the container's to answer for.
local CONTAINER = "this is a container: its host decides"

function when.machine()
  return not virtualization().container, CONTAINER
end

-- `path` is a file that the software always brings, whatever its package is called.
function when.has(path, what)
  return function()
    return file(path).exists, what .. " is not installed"
  end
end

-- On a machine of its own that has the file.
function when.machine_has(path, what)
  return function()
    if virtualization().container then return false, CONTAINER end
    return file(path).exists, what .. " is not installed"
  end
end

-- Whether one of these paths exists.
function when.has_any(paths, what)
  return function()
    local found = false
    -- Reading the property suspends: `found or …` would write back what was found before.
    for_each(paths, function(path)
      if file(path).exists then found = true end
    end)
    return found, what .. " is not installed"
  end
end

return when
