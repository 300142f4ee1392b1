--- Module `yaml`: text from Lua tables and back.
-- @workflows yes
-- @sandbox yes
local runtime = ...
local errors = runtime.errors
local pure = runtime.use("library/crossing", runtime)

local yaml = {}

local function invalid(message)
  return nil, errors.fail("Invalid", message)
end

--- Returns a table as YAML: `string, nil` or `nil, err` (Invalid). Keys are sorted; those that `options.field_order`
--- lists
-- come first, at every level. Without options the text is indented by 4 spaces, else by 2.
function yaml.encode(value, options)
  if type(value) ~= "table" or errors.is_error(value) then
    return invalid("a table is expected, got " .. host.type(value))
  end
  if options ~= nil and type(options) ~= "table" then
    return invalid("options must be a table, got " .. host.type(options))
  end
  local order = options and options.field_order or {}
  if type(order) ~= "table" then
    return invalid("field_order must be a list of names, got " .. host.type(order))
  end
  local names = {}
  for i, name in ipairs(order) do
    if type(name) ~= "string" then
      return invalid("field_order must hold names, got " .. host.type(name))
    end
    names[i] = name
  end
  return pure("yaml.encode", value, options and 2 or 4, names[1] and names or nil)
end

--- Returns the value of the first document of a YAML text: `value, nil` or `nil, err` (Invalid; Internal: syntax).
-- Timestamps become seconds since 1970.
function yaml.decode(text)
  if type(text) ~= "string" or text == "" then
    local what = text == "" and "an empty string" or "a " .. host.type(text)
    return invalid("cannot decode " .. what .. "; give YAML text")
  end
  return pure("yaml.decode", text)
end

return yaml
