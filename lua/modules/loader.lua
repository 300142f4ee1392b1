--- Module `loader`: reads definition files of a volume, as a start reads those of the application.
-- @workflows yes
-- @sandbox no
local runtime = ...
local check, effects = runtime.check, runtime.effects
local object = runtime.use("kernel/core/object")

local loader = {}

local methods = {}
local make, volume_of = object.opaque("loader.Loader", methods)

--- Opens a volume: `Loader, nil` or `nil, err` (NotFound; Invalid; PermissionDenied).
function loader.new(id)
  check.string(id, 1, "new")
  local ok, err = effects.operation("fs.get", id)
  if not ok then
    return nil, err
  end
  return make({ id = id }), nil
end

--- Returns the entries of all definition files below a directory: a list of tables with `id`, `kind`, `meta` and
--- `data`, or `nil, err` (NotFound; Invalid; PermissionDenied). What is wrong with a file is logged.
function methods:load_directory(path)
  local volume = volume_of(self)
  check.string(path, 1, "load_directory")
  local found, err = effects.operation("loader.load_directory", volume.id, path)
  if not found then
    return nil, err
  end
  for _, message in ipairs(found.warnings) do
    runtime.log("warn", "loader", message, {})
  end
  return found.entries, nil
end

--- Returns the entries of a definition file, or `nil, err` (NotFound; Invalid; PermissionDenied).
function methods:load_file(path)
  local volume = volume_of(self)
  check.string(path, 1, "load_file")
  return effects.operation("loader.load_file", volume.id, path)
end

return loader
