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

--- Training needs a part of Zstandard that this runtime lacks: always `nil, err` (Invalid for unfit samples;
--- Unavailable).
function compress.zstd.train_dict(samples)
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
  return nil,
    errors.fail(
      "Unavailable",
      "dictionaries cannot be trained here; train one with the program zstd --train and read it from a file"
    )
end

--- Returns `{id, content_size}` of a dictionary: `table, nil` or `nil, err` (Invalid).
function compress.zstd.inspect_dict(dictionary)
  if type(dictionary) ~= "string" then
    return invalid("a dictionary is a string, got " .. host.type(dictionary))
  end
  return runtime.pure("compress.inspect_dict", dictionary)
end

return compress
