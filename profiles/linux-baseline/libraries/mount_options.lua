-- The options of the file system at a mount point.
local mount_options = {}

-- A control's only_if: on a machine, and where `point` is a file system of its own.
function mount_options.separate(point)
  return function()
    if virtualization().container then return false, "this is a container: its host decides" end
    return mount(point).mounted, point .. " is not a file system of its own"
  end
end

function mount_options.include(point, wanted)
  local here = describe(mount(point)):is("mounted")
  for _, option in ipairs(wanted) do here:its("options", contains(option)) end
end

return mount_options
