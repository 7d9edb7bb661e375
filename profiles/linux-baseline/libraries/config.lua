-- Lines of configuration files, and of the directories of more of them beside.
local config = {}

-- The path, then the files of the folder whose names fit, by name.
function config.files(path, folder, name)
  local files = { path }
  if directory(folder).exists then
    local options = { type = { "file", "symlink" }, name = name, max_depth = 1 }
    for _, more in ipairs(find(folder, options).paths) do files[#files + 1] = more end
  end
  return files
end

-- Calls body(line, path) for every line of the files that are there, in order. All files
-- are read at once.
function config.each_line(files, body)
  local texts = {}
  for_each(files, function(path) texts[path] = file(path).content end)
  for _, path in ipairs(files) do
    for line in (texts[path] or ""):gmatch("[^\n]+") do body(line, path) end
  end
end

return config
