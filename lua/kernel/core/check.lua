-- Argument checks of the modules: a wrong Lua type raises `bad argument #n to 'f'`.
local type_of, getinfo = host.type, debug.getinfo
local check = {}

-- The level, for `error` in the caller, of the first function that is not the kernel's own: it called the module.
local function outside()
  local level = 3
  local info = getinfo(level, "S")
  while info and info.source:sub(1, 5) == "=lua/" do
    level = level + 1
    info = getinfo(level, "S")
  end
  return level - 1
end

local function fail(value, n, name, expected)
  local got = type_of(value)
  if value == nil then
    got = "no value"
  end
  error(
    "bad argument #" .. n .. " to '" .. name .. "' (" .. expected .. " expected, got " .. got .. ")",
    outside()
  )
end

local function checker(expected)
  return function(value, n, name)
    if type_of(value) ~= expected then
      fail(value, n, name, expected)
    end
    return value
  end
end

--- Raises for argument `n` of `name`: `expected` is what it should be.
function check.fail(n, name, expected, value)
  return fail(value, n, name, expected)
end

check.string = checker("string")
check.number = checker("number")
check.table = checker("table")
check.boolean = checker("boolean")
check.func = checker("function")

function check.integer(value, n, name)
  local integer = math.type(value) and math.tointeger(value)
  if not integer then
    fail(value, n, name, "integer")
  end
  return integer
end

--- `check.optional(check.string, value, n, name)`: nil passes.
function check.optional(checker_of, value, n, name)
  if value == nil then
    return nil
  end
  return checker_of(value, n, name)
end

return check
