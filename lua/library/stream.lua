--- Stream objects: a sequence of bytes to read or write, the same for files, request bodies and programs.
-- See docs/reference/modules/stream.md.
local use = ...
local errors = use("kernel/core/errors")
local check = use("kernel/core/check")
local object = use("kernel/core/object")
local new_scanner = use("library/scanner")

local DEFAULT_READ <const> = 32 * 1024
local MAX_READ <const> = 64 * 1024

local methods = {}
local make, state_of = object.opaque("Stream", methods)

-- The source of an open stream, or nil and an Error.
local function source_of(self)
  local source = state_of(self).source
  if not source then
    return nil, errors.fail("Internal", "the stream is closed")
  end
  return source
end

-- Asks the source for something that it may not be able to do.
local function ask(self, what, ...)
  local source, err = source_of(self)
  if not source then
    return nil, err
  elseif not source[what] then
    return nil, errors.fail("Internal", "the stream cannot " .. what)
  end
  return source[what](...)
end

--- Up to `size` bytes: `string, nil`; `nil, nil` at the end.
function methods:read(size)
  size = check.optional(check.integer, size, 1, "read") or 0
  if size <= 0 then
    size = DEFAULT_READ
  end
  local data, err = ask(self, "read", math.min(size, MAX_READ))
  return data, err
end

--- The number of bytes written, or `0, err`.
function methods:write(data)
  check.string(data, 1, "write")
  local count, err = ask(self, "write", data)
  if not count then
    return 0, err
  end
  return count, nil
end

--- The new position, or `-1, err`.
function methods:seek(whence, offset)
  whence = check.optional(check.string, whence, 1, "seek") or "set"
  offset = check.optional(check.integer, offset, 2, "seek") or 0
  local position, err = ask(self, "seek", whence, offset)
  if not position then
    return -1, err
  end
  return position, nil
end

function methods:flush()
  local source, err = source_of(self)
  if not source then
    return false, err
  elseif source.flush then
    local ok, failure = source.flush()
    if not ok then
      return false, failure
    end
  end
  return true, nil
end

--- `size position readable writable seekable`.
function methods:stat()
  return ask(self, "stat")
end

--- Closes; twice is harmless.
function methods:close()
  local state = state_of(self)
  local source = state.source
  if not source then
    return true, nil
  end
  state.source = nil
  local ok, err = source.close()
  if not ok then
    return false, err
  end
  return true, nil
end

function methods:scanner(split)
  local source, err = source_of(self)
  if not source then
    return nil, err
  end
  return new_scanner(function(size)
    local chunk, failure = ask(self, "read", size)
    return chunk, failure, state_of(self).source == nil
  end, split)
end

--- A Stream over a source: a table with some of
-- `read(size)` -> string, `nil` at the end, or `nil, err`; `write(data)` -> bytes or `nil, err`;
-- `seek(whence, offset)` -> position or `nil, err`; `flush()` and `close()` -> true or `nil, err`;
-- `stat()` -> table or `nil, err`. What is absent, the stream cannot do.
return function(source)
  return make({ source = source })
end
