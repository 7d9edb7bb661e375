-- What is installed, by the names that the families of distributions give it.
local software = {}

-- None of the packages is installed; one that a site needs is in packages_allowed.
function software.absent(names)
  local allowed, found = {}, {}
  for _, name in ipairs(attributes.packages_allowed) do allowed[name] = true end
  for_each(names, function(name)
    if not allowed[name] and package(name).installed then found[#found + 1] = name end
  end)
  describe(found, "packages that should not be there"):it(empty)
end


return software
