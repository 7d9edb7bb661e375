-- What lies on the disks of the node: its local file systems, and walks over all of them.
local disk = {}

-- File systems that hold their files on this node.
local LOCAL = {
  ext2 = true, ext3 = true, ext4 = true, xfs = true, btrfs = true, f2fs = true, jfs = true,
  reiserfs = true, zfs = true, bcachefs = true, overlay = true, tmpfs = true, vfat = true,
}

local function below(path, parents)
  for _, parent in ipairs(parents) do
    if parent == "/" or path == parent or path:sub(1, #parent + 1) == parent .. "/" then return true end
  end
  return false
end

-- Where local file systems are mounted: the root, and every other that is none of the
-- kernel's own and lies outside what `scan_exclude` names. What is a part of one that is
-- walked already, such as a bind mount, is left out.
function disk.roots()
  local candidates, apart = {}, { "/proc", "/sys", "/dev", "/run" }
  for _, row in ipairs(mounts().entries) do
    local point = row.mount_point
    local nested = row.type == "overlay" and point ~= "/"
    if LOCAL[row.type] and not nested and not below(point, apart) and not below(point, attributes.scan_exclude) then
      candidates[#candidates + 1] = row
    end
  end
  -- The directory of the file system that is mounted; none for single files, which
  -- container managers mount too.
  local parts = {}
  for_each(candidates, function(row)
    local point = row.mount_point
    if directory(point).exists then parts[point] = mount(point).root end
  end)
  local roots, walked = {}, {}
  local function consider(row)
    local part = parts[row.mount_point]
    if not part then return end
    local device = row.device:sub(1, 1) == "/" and row.device or row.mount_point
    walked[device] = walked[device] or {}
    if below(part, walked[device]) then return end
    table.insert(walked[device], part)
    roots[#roots + 1] = row.mount_point
  end
  for _, row in ipairs(candidates) do
    if row.mount_point == "/" then consider(row) end
  end
  for _, row in ipairs(candidates) do
    if row.mount_point ~= "/" then consider(row) end
  end
  -- A root of a kind nobody knows is walked nevertheless.
  if roots[1] ~= "/" then table.insert(roots, 1, "/") end
  return roots
end

-- Every file of every local file system that fits, as a sorted list of paths. `bits`
-- chooses those that have all of these mode bits as well: controls that ask for the same
-- `any_mode` share one walk.
function disk.find(options, bits)
  local paths = {}
  options.prune = attributes.scan_exclude
  options.timeout = attributes.scan_timeout
  for_each(disk.roots(), function(root)
    for _, row in ipairs(find(root, options).entries) do
      if not bits or disk.has_bits(row.mode, bits) then paths[#paths + 1] = row.path end
    end
  end)
  table.sort(paths)
  return paths
end

-- Whether a mode such as "4755" has all of these bits.
function disk.has_bits(mode, bits)
  local mask = tonumber(bits, 8)
  return tonumber(mode, 8) & mask == mask
end

-- What in a directory anybody but root can change: the paths that group or others can
-- write, and those that belong to somebody else.
function disk.changeable(place, options)
  local open, foreign = {}, {}
  for _, row in ipairs(find(place, options).entries) do
    if tonumber(row.mode, 8) & tonumber("0022", 8) ~= 0 then open[#open + 1] = row.path end
    if row.uid ~= 0 then foreign[#foreign + 1] = row.path end
  end
  return open, foreign
end

function disk.append(list, more)
  for _, item in ipairs(more) do list[#list + 1] = item end
end

-- The elements of `list` that are not in `known`.
function disk.beyond(list, known)
  local expected, rest = {}, {}
  for _, path in ipairs(known) do expected[path] = true end
  for _, path in ipairs(list) do
    if not expected[path] then rest[#rest + 1] = path end
  end
  return rest
end

return disk
