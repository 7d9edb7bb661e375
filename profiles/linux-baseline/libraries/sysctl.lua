-- Kernel parameters that are judged as a table of one control.
local sysctl = {}

-- Every parameter has its value. One the kernel does not have is left out when the table
-- names it in `optional`: a kernel built without IPv6 or Yama has no such switch to turn.
function sysctl.are(values, optional)
  for_each(sysctl.names(values), function(name)
    local parameter = kernel_parameter(name)
    if not (optional and parameter.value == nil) then
      local want = values[name]
      describe(parameter):its("value", type(want) == "number" and eq(want) or want)
    end
  end)
end

function sysctl.names(values)
  local names = {}
  for name in pairs(values) do names[#names + 1] = name end
  return names
end

-- For only_if: on a machine whose kernel has the parameter.
function sysctl.present(name, what)
  return function()
    if virtualization().container then return false, "this is a container: its host decides" end
    return kernel_parameter(name).value ~= nil, what
  end
end

return sysctl
