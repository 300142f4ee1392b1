-- Bytes on their way: bodies of requests and objects, files of archives, what programs write.
local runtime = ...
local operation = runtime.effects.operation
local new_stream = runtime.use("library/stream")

local CHUNK <const> = 64 * 1024

local transfer = {}

--- The Stream of a File or a Stream, nil for anything else.
function transfer.stream_of(value)
  if runtime.is("File", value) then
    return value:stream()
  elseif runtime.is("Stream", value) then
    return value
  end
  return nil
end

--- A Stream that is only read, from its beginning to its end. `read(size)` returns bytes, "" at the end, or `nil, err`.
function transfer.forward(read, close)
  local position = 0
  return new_stream({
    read = function(size)
      local data, err = read(size)
      if err then
        return nil, err
      elseif data == "" then
        return nil
      end
      position = position + #data
      return data
    end,
    stat = function()
      return { size = -1, position = position, readable = true, writable = false, seekable = false }
    end,
    close = close,
  })
end

--- A Stream over the body of a response, which the host has open under `handle`.
function transfer.response(handle)
  return transfer.forward(function(size)
    return operation("http_client.read", handle, size)
  end, function()
    return operation("http_client.close", handle)
  end)
end

--- Reads a Stream to its end and gives each part to `write`, which returns true, false when no more is wanted, or
--- `nil, err`. Returns the same.
function transfer.pour(stream, write)
  while true do
    local data, err = stream:read(CHUNK)
    if not data then
      return err == nil, err
    end
    local wanted, failure = write(data)
    if not wanted then
      return false, failure
    end
  end
end

return transfer
