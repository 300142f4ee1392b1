--- Module `uuid`: making and reading UUIDs (RFC 9562). Random ones come from the host and are
-- recorded in workflows.
-- @workflows yes
-- @sandbox yes
local runtime = ...
local check, effects, errors = runtime.check, runtime.effects, runtime.errors

local uuid = {}

local function invalid(message)
  return nil, errors.new({ message = message, kind = errors.INVALID, retryable = false })
end

-- The 32 lower-case digits of a UUID in any of its written forms, or nil.
local function digits_of(value)
  if type(value) ~= "string" then
    return nil
  end
  local text = value:lower():gsub("^urn:uuid:", "")
  text = text:match("^{(.*)}$") or text
  local dashed = { text:match("^(%x+)%-(%x+)%-(%x+)%-(%x+)%-(%x+)$") }
  if dashed[1] then
    local right = #dashed[1] == 8 and #dashed[2] == 4 and #dashed[3] == 4 and #dashed[4] == 4
    return right and #dashed[5] == 12 and table.concat(dashed) or nil
  end
  return #text == 32 and text:match("^%x+$") or nil
end

local function read(value)
  local digits = digits_of(value)
  if digits then
    return digits
  end
  local shown = type(value) == "string" and string.format("%q", value) or "a " .. host.type(value)
  return nil, select(2, invalid("invalid UUID: " .. shown))
end

local function standard(digits)
  return table.concat({
    digits:sub(1, 8),
    digits:sub(9, 12),
    digits:sub(13, 16),
    digits:sub(17, 20),
    digits:sub(21),
  }, "-")
end

local function variant_of(digits)
  local bits = tonumber(digits:sub(17, 17), 16)
  if bits < 8 then
    return "NCS"
  elseif bits < 12 then
    return "RFC4122"
  elseif bits < 14 then
    return "Microsoft"
  end
  return "Future"
end

local function version_of(digits)
  return math.tointeger(tonumber(digits:sub(13, 13), 16))
end

--- A UUID of the time and this node.
function uuid.v1()
  return effects.immediate("uuid.v1")
end

--- A random UUID.
function uuid.v4()
  return effects.immediate("uuid.v4")
end

--- A UUID that sorts by the time it was made.
function uuid.v7()
  return effects.immediate("uuid.v7")
end

local function named(operation)
  return function(namespace, name)
    check.string(namespace, 1, operation:sub(6))
    check.string(name, 2, operation:sub(6))
    local digits, err = read(namespace)
    if not digits then
      return nil, err
    end
    return runtime.pure(operation, digits, name)
  end
end

--- The UUID of a name in a namespace, by MD5.
uuid.v3 = named("uuid.v3")

--- The UUID of a name in a namespace, by SHA-1.
uuid.v5 = named("uuid.v5")

--- Whether a value is a UUID in any written form.
function uuid.validate(value)
  return digits_of(value) ~= nil
end

--- The version number of a UUID.
function uuid.version(value)
  local digits, err = read(value)
  if not digits then
    return nil, err
  end
  return version_of(digits), nil
end

--- The variant of a UUID: RFC4122, Microsoft, Future or NCS.
function uuid.variant(value)
  local digits, err = read(value)
  if not digits then
    return nil, err
  end
  return variant_of(digits), nil
end

-- Seconds from 1582-10-15 to 1970-01-01, where the 100 ns ticks of version 1 count from.
local GREGORIAN <const> = 12219292800

--- What a UUID holds: version, variant and, where it has them, timestamp (Unix seconds) and node (6
-- bytes).
function uuid.parse(value)
  local digits, err = read(value)
  if not digits then
    return nil, err
  end
  local version = version_of(digits)
  local parts = { version = version, variant = variant_of(digits) }
  if version == 1 then
    local ticks = tonumber(digits:sub(14, 16) .. digits:sub(9, 12) .. digits:sub(1, 8), 16)
    parts.timestamp = ticks // 10000000 - GREGORIAN
    parts.node = digits:sub(21):gsub("%x%x", function(pair)
      return string.char(tonumber(pair, 16))
    end)
  elseif version == 7 then
    parts.timestamp = tonumber(digits:sub(1, 12), 16) // 1000
  end
  return parts, nil
end

local FORMS = {
  standard = standard,
  simple = function(digits)
    return digits
  end,
  urn = function(digits)
    return "urn:uuid:" .. standard(digits)
  end,
}

--- Writes a UUID in a form: standard, simple or urn. A form that is not a string counts as absent.
function uuid.format(value, form)
  local digits, err = read(value)
  if not digits then
    return nil, err
  end
  local write = FORMS[type(form) == "string" and form or "standard"]
  if not write then
    return invalid("unsupported format: " .. form .. "; use standard, simple or urn")
  end
  return write(digits), nil
end

return uuid
