--- Module `fs`: files of the directories that `fs.directory` entries open to code. Nothing leads
-- out of them.
-- @workflows yes
-- @sandbox no
local runtime = ...
local check, effects, errors = runtime.check, runtime.effects, runtime.errors
local new_scanner = runtime.use("library/scanner")
local new_stream = runtime.use("library/stream")
local freeze = runtime.use("kernel/core/freeze")
local volumes = runtime.use("library/volumes")
local operation = effects.operation

local COPY_CHUNK <const> = 64 * 1024

local fs = {
  type = freeze({ FILE = "file", DIR = "directory" }, "fs.type"),
  seek = freeze({ SET = "set", CUR = "cur", END = "end" }, "fs.seek"),
}

local function invalid(message)
  return nil, errors.new({ message = message, kind = errors.INVALID, retryable = false })
end

-- What a call whose result is only true or false gives: false and the Error when it fails.
local function verdict(result, err)
  if err then
    return false, err
  end
  return result, nil
end

local file_methods, make_file, file_state =
  volumes.file_methods, volumes.make_file, volumes.file_state

-- The host's number of an open file, or nil and an Error.
local function handle_of(file)
  local handle = file_state(file).handle
  if not handle then
    return invalid("the file is closed")
  end
  return handle
end

local function file_operation(file, name, ...)
  local handle, err = handle_of(file)
  if not handle then
    return nil, err
  end
  return operation("fs.file_" .. name, handle, ...)
end

-- Bytes of a file: a string, nil at the end, or `nil, err`.
local function read_some(file, size)
  local data, err = file_operation(file, "read", size)
  if err then
    return nil, err
  elseif data == "" then
    return nil
  end
  return data
end

--- Up to `n` bytes (default 4096). At the end `nil, err` of kind NotFound with the message EOF.
function file_methods:read(n)
  n = check.optional(check.integer, n, 1, "read") or 4096
  if n <= 0 then
    return invalid("read: the number of bytes must be above 0, got " .. n)
  end
  local data, err = read_some(self, n)
  if err then
    return nil, err
  elseif not data then
    return nil, errors.new({ message = "EOF", kind = errors.NOT_FOUND, retryable = false })
  end
  return data, nil
end

function file_methods:write(data)
  check.string(data, 1, "write")
  if data == "" then
    return verdict(invalid("write: empty data"))
  end
  local _, err = file_operation(self, "write", data)
  return verdict(true, err)
end

--- The new position, in bytes from the beginning.
function file_methods:seek(whence, offset)
  whence = check.optional(check.string, whence, 1, "seek") or "set"
  return file_operation(self, "seek", whence, check.optional(check.integer, offset, 2, "seek") or 0)
end

-- What a file and what a stream tell of the same facts.
local function pick(stat, names)
  local result = {}
  for name in names:gmatch("%S+") do
    result[name] = stat[name]
  end
  return result
end

function file_methods:stat()
  local stat, err = file_operation(self, "stat")
  if not stat then
    return nil, err
  end
  return pick(stat, "name size mode modified is_dir type"), nil
end

--- Waits until what was written is on the disk.
function file_methods:sync()
  return verdict(file_operation(self, "sync"))
end

--- Closes; twice is harmless.
function file_methods:close()
  local state = file_state(self)
  local handle = state.handle
  if not handle then
    return true, nil
  end
  state.handle = false
  return verdict(operation("fs.file_close", handle))
end

--- Reads the file token by token: lines (default), words, bytes or runes.
function file_methods:scanner(split)
  local handle, err = handle_of(self)
  if not handle then
    return nil, err
  end
  return new_scanner(function(size)
    local data, failure = read_some(self, size)
    return data, failure, not file_state(self).handle
  end, check.optional(check.string, split, 1, "scanner"))
end

-- An operation of the Stream of a file: that it is closed, or open for the other direction, is Internal there.
local function stream_operation(file, name, ...)
  if not file_state(file).handle then
    return nil, errors.fail("Internal", "the stream is closed")
  end
  local result, err = operation("fs.file_" .. name, file_state(file).handle, ...)
  if err and name ~= "seek" and err:kind() == errors.INVALID then
    err = errors.fail("Internal", err:message())
  end
  return result, err
end

--- The file as a Stream; both share the position, and closing one closes the other.
function file_methods:stream()
  local handle, err = handle_of(self)
  if not handle then
    return nil, err
  end
  return new_stream({
    read = function(size)
      local data, failure = stream_operation(self, "read", size)
      return data ~= "" and data or nil, failure
    end,
    write = function(data)
      return stream_operation(self, "write", data)
    end,
    seek = function(whence, offset)
      return stream_operation(self, "seek", whence, offset)
    end,
    flush = function()
      return stream_operation(self, "sync")
    end,
    stat = function()
      local stat, failure = stream_operation(self, "stat")
      if not stat then
        return nil, failure
      end
      return pick(stat, "size position readable writable seekable"), nil
    end,
    close = function()
      return self:close()
    end,
  }),
    nil
end

local methods, make_volume, volume_state = volumes.methods, volumes.make, volumes.state

local function on_path(volume, name, path, ...)
  local state = volume_state(volume)
  return operation("fs." .. name, state.id, state.directory, path, ...)
end

local function path_method(name)
  return function(self, path)
    return on_path(self, name, check.string(path, 1, name))
  end
end

methods.readfile = path_method("readfile")
methods.read_file = methods.readfile
methods.stat = path_method("stat")
for _, name in ipairs({ "exists", "mkdir", "remove" }) do
  local run = path_method(name)
  methods[name] = function(self, path)
    return verdict(run(self, path))
  end
end

--- Opens a file: mode r (default), w (truncates), wx (must not exist) or a (appends).
function methods:open(path, mode)
  check.string(path, 1, "open")
  mode = check.optional(check.string, mode, 2, "open") or "r"
  local handle, err = on_path(self, "open", path, mode)
  if not handle then
    return nil, err
  end
  return make_file({ handle = handle }), nil
end

-- Copies what a File or a Stream has left into a file.
local function copy_into(volume, path, reader, mode)
  local target, err = methods.open(volume, path, mode)
  if not target then
    return false, err
  end
  local is_file = runtime.is("File", reader)
  local done
  while not err do
    local chunk
    if is_file then
      chunk, err = read_some(reader, COPY_CHUNK)
    else
      chunk, err = reader:read(COPY_CHUNK)
    end
    if not chunk then
      break
    end
    done, err = target:write(chunk)
    if not done then
      break
    end
  end
  local closed, close_err = target:close()
  return verdict(closed, err or close_err)
end

--- Writes a whole file. `data` is a string, or a File or Stream whose rest is copied.
function methods:writefile(path, data, mode)
  check.string(path, 1, "writefile")
  mode = check.optional(check.string, mode, 3, "writefile") or "w"
  if runtime.is("File", data) or runtime.is("Stream", data) then
    if mode == "r" then
      return verdict(invalid("writefile: unknown mode; use w, wx or a"))
    end
    return copy_into(self, path, data, mode)
  end
  return verdict(on_path(self, "writefile", path, check.string(data, 2, "writefile"), mode))
end

methods.write_file = methods.writefile

--- Whether a path is a directory. For a missing one `false` and an Error (NotFound).
function methods:isdir(path)
  local stat, err = on_path(self, "stat", check.string(path, 1, "isdir"))
  if not stat then
    return false, err
  end
  return stat.is_dir, nil
end

--- For `for entry in volume:readdir(path) do`: entries `{name, type}`, sorted by name. Failures
-- raise.
function methods:readdir(path)
  check.string(path, 1, "readdir")
  local entries, index = nil, 0
  return function()
    if not entries then
      local err
      entries, err = on_path(self, "readdir", path)
      if not entries then
        error(err, 0)
      end
    end
    index = index + 1
    return entries[index]
  end
end

--- Changes where paths of this handle start that have no leading slash.
function methods:chdir(path)
  local directory, err = on_path(self, "chdir", check.string(path, 1, "chdir"))
  if not directory then
    return false, err
  end
  volume_state(self).directory = directory
  return true, nil
end

--- Where paths without leading slash start.
function methods:pwd()
  return volume_state(self).directory, nil
end

--- A handle of the volume that an `fs.directory` entry describes.
function fs.get(id)
  check.string(id, 1, "get")
  local found, err = operation("fs.get", id)
  if not found then
    return nil, err
  end
  return make_volume({ id = id, directory = "/" }), nil
end

return fs
