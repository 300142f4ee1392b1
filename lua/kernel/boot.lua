-- Ties the kernel's files together: `use(name)` loads an embedded file once and returns what it returned.
-- A file is given `use`; a module (lua/modules) is given the runtime instead.
-- Returns the kernel's functions named in `exports`, in that order.
local sources, exports = ...
local loaded = {}

local function use(name, runtime)
  local value = loaded[name]
  if value == nil then
    local source = sources[name] or error("not embedded: lua/" .. name .. ".lua")
    value = assert(load(source, "=lua/" .. name, "t"))(runtime or use)
    loaded[name] = value
    -- Every VM starts with what is in the image: a quarter of it would be texts that nobody reads again.
    sources[name] = nil
  end
  return value
end

-- `use("modules")`: the names of the modules, sorted. Every file of lua/modules is one.
local modules = {}
for name in pairs(sources) do
  modules[#modules + 1] = name:match("^modules/(.+)$")
end
table.sort(modules)
loaded.modules = modules

local kernel = use("kernel/kernel")
local functions = {}
for i, name in ipairs(exports) do
  functions[i] = kernel[name] or error("the kernel has no function '" .. name .. "'")
end
return table.unpack(functions)
