--- Module `compress`: gzip, deflate, zlib, Brotli and Zstandard.
-- @workflows yes
-- @sandbox yes
local runtime = ...
local effects, errors = runtime.effects, runtime.errors

local compress = {}

local DEFAULT_LIMIT <const> = 128 * 1024 * 1024
local MAX_LIMIT <const> = 1024 * 1024 * 1024

local function invalid(message)
  return nil, errors.fail("Invalid", message)
end

-- An integer of the options, `default` where there is none; nil and the Error for anything else.
local function option(options, name, default)
  local value = options[name]
  if value == nil then
    return default
  end
  local integer = math.type(value) and math.tointeger(value)
  if not integer then
    return invalid(name .. " must be an integer, got " .. host.type(value))
  end
  return integer
end

local function arguments(data, options)
  if type(data) ~= "string" then
    return invalid("data must be a string, got " .. host.type(data))
  end
  if options ~= nil and type(options) ~= "table" then
    return invalid("options must be a table, got " .. host.type(options))
  end
  options = options or {}
  if options.dict ~= nil and type(options.dict) ~= "string" then
    return invalid("dict must be a string, got " .. host.type(options.dict))
  end
  return options
end

local function codec(name, default_level)
  return {
    --- Returns `data` compressed: `string, nil` or `nil, err` (Invalid). Options: `level`, `dict` (Zstandard).
    encode = function(data, options)
      local given, err = arguments(data, options)
      if not given then
        return nil, err
      end
      local level
      level, err = option(given, "level", default_level)
      if not level then
        return nil, err
      end
      return effects.operation("compress.encode", name, data, level, given.dict)
    end,

    --- Returns `data` decompressed: `string, nil` or `nil, err` (Invalid data; Internal: more than `max_size` bytes).
    decode = function(data, options)
      local given, err = arguments(data, options)
      if not given then
        return nil, err
      end
      local limit
      limit, err = option(given, "max_size", DEFAULT_LIMIT)
      if not limit then
        return nil, err
      end
      if limit < 1 or limit > MAX_LIMIT then
        limit = DEFAULT_LIMIT
      end
      return effects.operation("compress.decode", name, data, limit, given.dict)
    end,
  }
end

compress.gzip = codec("gzip", 6)
compress.deflate = codec("deflate", 6)
compress.zlib = codec("zlib", 6)
compress.brotli = codec("brotli", 6)
compress.zstd = codec("zstd", 3)

-- An option that is an integer within bounds; nil and the Error for anything else.
local function within(options, name, default, least, most)
  local value, err = option(options, name, default)
  if value and (value < least or value > most) then
    return invalid(name .. " must be from " .. least .. " to " .. most .. ", got " .. value)
  end
  return value, err
end

--- Returns a dictionary made of samples of what is to be compressed: `string, nil` or `nil, err` (Invalid). Options:
--- `size`, the most bytes that it has; `id`, 0 for one made of its content; `level`, which makes no difference here.
function compress.zstd.train_dict(samples, options)
  if type(samples) ~= "table" then
    return invalid("samples must be a list of strings, got " .. host.type(samples))
  end
  local enough = false
  for i, sample in ipairs(samples) do
    if type(sample) ~= "string" then
      return invalid("sample " .. i .. " must be a string, got " .. host.type(sample))
    end
    enough = enough or #sample >= 8
  end
  if not enough then
    return invalid("one of the samples must have at least 8 bytes")
  end
  local given, err = arguments("", options)
  if not given then
    return nil, err
  end
  local size, id, level
  size, err = within(given, "size", 114688, 256, 1048576)
  if size then
    id, err = within(given, "id", 0, 0, 0xffffffff)
  end
  if id then
    level, err = within(given, "level", 3, 1, 22)
  end
  if not level then
    return nil, err
  end
  return effects.operation("compress.train_dict", samples, size, id)
end

--- Returns `{id, content_size}` of a dictionary: `table, nil` or `nil, err` (Invalid).
function compress.zstd.inspect_dict(dictionary)
  if type(dictionary) ~= "string" then
    return invalid("a dictionary is a string, got " .. host.type(dictionary))
  end
  return runtime.pure("compress.inspect_dict", dictionary)
end

return compress
