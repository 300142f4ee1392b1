--- The objects of the module `fs`: volumes and their open files, for it and for modules that take them.
local use = ...
local object = use("kernel/core/object")

local volumes = { methods = {}, file_methods = {} }

--- A volume: `id` of its entry, `directory` where paths start.
volumes.make, volumes.state = object.opaque("FS", volumes.methods)

--- An open file: `handle`, the host's number, false when it is closed.
volumes.make_file, volumes.file_state = object.opaque("File", volumes.file_methods)

return volumes
