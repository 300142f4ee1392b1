--- Module `archive`: zip and tar archives of volumes, open files, streams and strings.
-- @workflows no; a function that the workflow calls reads and writes them
-- @sandbox no
local runtime = ...
local check, effects, errors = runtime.check, runtime.effects, runtime.errors
local object = runtime.use("kernel/core/object")
local transfer = runtime.use("library/transfer", runtime)
local volumes = runtime.use("library/volumes")
local operation = effects.operation

local CHUNK <const> = 64 * 1024

local archive = {}

local function invalid(message)
  return nil, errors.fail("Invalid", "archive: " .. message)
end

-- The Error of a missing permission, or nil.
local function denied(action, resource)
  if runtime.allowed(action, resource) then
    return nil
  end
  return errors.fail("PermissionDenied", "permission denied: " .. action .. " on " .. resource)
end

-- The state of a volume, or nil for anything else.
local function volume_of(value)
  return runtime.is("FS", value) and volumes.state(value) or nil
end

-- The state of something that is not closed, or `nil, err`.
local function open(state, what)
  if state.handle then
    return state
  end
  return invalid("the " .. what .. " is closed")
end

local function close(state)
  local handle = state.handle
  if not handle then
    return true, nil
  end
  state.handle = false
  return operation("archive.close", handle)
end

--- The names of the formats.
function archive.formats()
  return runtime.pure("archive.formats")
end

local walker_methods = {}
local make_walker, walker_of = object.opaque("archive.Walker", walker_methods)

-- The next entry of a walk with its number: `nil, nil` at the end, or `nil, err`.
local function step(state)
  local walker, err = open(state, "walk")
  if not walker then
    return nil, err
  end
  local found
  found, err = operation("archive.next", walker.handle)
  return found, err
end

--- For `for entry, stream in walker:walk() do`. A stream ends when the walk advances. Failures raise.
function walker_methods:walk()
  local state = walker_of(self)
  return function()
    local found, err = step(state)
    if err then
      error(err, 0)
    elseif not found then
      return nil
    end
    return found.entry,
      transfer.forward(function(size)
        return operation("archive.entry_read", state.handle, found.number, size)
      end, function()
        return true
      end)
  end
end

--- Ends the walk.
function walker_methods:close()
  return close(walker_of(self))
end

local reader_methods = {}
local make_reader, reader_of = object.opaque("archive.Reader", reader_methods)

-- An operation on an archive that is not closed.
local function on_reader(self, name, ...)
  local reader, err = open(reader_of(self), "archive")
  if not reader then
    return nil, err
  end
  return operation("archive." .. name, reader.handle, ...)
end

--- For `for entry in reader:entries() do`. Failures raise.
function reader_methods:entries()
  local walk, failure = on_reader(self, "walk")
  local state = { handle = walk }
  return function()
    if failure then
      error(failure, 0)
    elseif not state.handle then
      return nil
    end
    local found, err = step(state)
    if not found then
      close(state)
      if err then
        error(err, 0)
      end
      return nil
    end
    return found.entry
  end
end

--- What the archive says about an entry.
function reader_methods:stat(name)
  return on_reader(self, "stat", check.string(name, 1, "stat"))
end

--- The content of an entry, a string.
function reader_methods:read(name)
  return on_reader(self, "read", check.string(name, 1, "read"))
end

--- The content of an entry, a Stream.
function reader_methods:stream(name)
  local handle, err = on_reader(self, "stream", check.string(name, 1, "stream"))
  if not handle then
    return nil, err
  end
  return transfer.forward(function(size)
    return operation("archive.stream_read", handle, size)
  end, function()
    return operation("archive.close", handle)
  end),
    nil
end

--- Writes an entry to a volume, below the directory `dest` or where paths of the volume start.
function reader_methods:extract(name, fs, dest)
  check.string(name, 1, "extract")
  local reader, err = open(reader_of(self), "archive")
  local volume = volume_of(fs)
  dest = check.optional(check.string, dest, 3, "extract") or ""
  if not reader then
    return nil, err
  elseif not volume then
    return invalid("extract: give a volume of the module fs")
  end
  return operation("archive.extract", volume.id, volume.directory, dest, reader.handle, name)
end

-- Writes the entries of a walk that `filter` accepts. Returns their number, or `nil, err`.
local function extract_walk(walk, volume, options)
  local count = 0
  while true do
    local found, err = step(walk)
    if err then
      return nil, err
    elseif not found then
      return count, nil
    end
    if not options.filter or options.filter(found.entry) then
      local written
      written, err = operation(
        "archive.entry_extract",
        volume.id,
        volume.directory,
        options.prefix,
        options.strip,
        walk.handle,
        found.number
      )
      if err then
        return nil, err
      end
      count = count + (written and 1 or 0)
    end
  end
end

--- Writes all entries to a volume: `count, nil`. `options`: `prefix`, the directory; `strip`, the number of parts of
--- the names that are left out; `filter(entry)`, which says whether an entry is written.
function reader_methods:extract_all(fs, options)
  options = check.optional(check.table, options, 2, "extract_all") or {}
  local volume = volume_of(fs)
  local strip = options.strip or 0
  if not volume then
    return invalid("extract_all: give a volume of the module fs")
  elseif type(options.prefix or "") ~= "string" then
    return invalid("extract_all: prefix is a string")
  elseif math.type(strip) ~= "integer" or strip < 0 then
    return invalid("extract_all: strip is a whole number from 0")
  elseif options.filter ~= nil and type(options.filter) ~= "function" then
    return invalid("extract_all: filter is a function")
  end
  local handle, err = on_reader(self, "walk")
  if not handle then
    return nil, err
  end
  local walk = { handle = handle }
  local settings = { prefix = options.prefix or "", strip = strip, filter = options.filter }
  local ok, count, failure = pcall(extract_walk, walk, volume, settings)
  close(walk)
  if not ok then
    error(count, 0)
  end
  return count, failure
end

--- Closes the archive; twice is harmless.
function reader_methods:close()
  return close(reader_of(self))
end

--- Opens an archive: `open(volume, path, options)`, or `open(source, options)` of a File or a string.
function archive.open(source, path, options)
  local volume = volume_of(source)
  if not volume then
    options = path
  end
  options = check.optional(check.table, options, volume and 3 or 2, "open") or {}
  local err = denied("archive.read", volume and volume.id or "")
  if err then
    return nil, err
  end
  local opened
  if volume then
    check.string(path, 2, "open")
    opened, err = operation("archive.open", volume.id, volume.directory, path, options)
  elseif runtime.is("File", source) then
    local file = volumes.file_state(source)
    if not file.handle then
      return invalid("the file is closed")
    end
    opened, err = operation("archive.open_file", file.handle, options)
  elseif type(source) == "string" then
    opened, err = operation("archive.open_bytes", source, options)
  else
    error("bad argument #1 to 'open' (a volume, a File or a string expected)", 2)
  end
  if not opened then
    return nil, err
  end
  return make_reader({ handle = opened.handle }), nil
end

--- Reads an archive from a Stream or a File, which is taken in first: `Walker, nil`.
function archive.scan(source, options)
  options = check.optional(check.table, options, 2, "scan") or {}
  local stream = transfer.stream_of(source)
  if not stream then
    error("bad argument #1 to 'scan' (a Stream or a File expected)", 2)
  end
  local err = denied("archive.read", "")
  if err then
    return nil, err
  end
  local spool
  spool, err = operation("archive.spool", options)
  if not spool then
    return nil, err
  end
  while not err do
    local data
    data, err = stream:read(CHUNK)
    if not data then
      break
    end
    err = select(2, operation("archive.spool_write", spool, data))
  end
  local walker
  if not err then
    walker, err = operation("archive.scan", spool, options)
  end
  if not walker then
    operation("archive.close", spool)
    return nil, err
  end
  return make_walker({ handle = walker }), nil
end

local writer_methods = {}
local make_writer, writer_of = object.opaque("archive.Writer", writer_methods)

-- Waits until what was asked is done, and writes the bytes that come meanwhile: `true, nil` or `nil, err`.
local function settle(state, progress, err)
  while progress and not err do
    if progress.data then
      local count
      count, err = state.stream:write(progress.data)
      if err or count ~= #progress.data then
        return nil, err or errors.fail("Internal", "archive: the stream took only a part")
      end
    end
    if progress.done then
      return true, nil
    end
    progress, err = operation("archive.progress", state.handle)
  end
  return nil, err
end

-- All that is left of a File or a Stream, up to the limit of what is read in one piece.
local function all_of(stream, limit)
  local parts, size = {}, 0
  while true do
    local data, err = stream:read(CHUNK)
    if err then
      return nil, err
    elseif not data then
      return table.concat(parts)
    end
    size = size + #data
    if size > limit then
      return invalid("the stream has more than " .. limit .. " bytes; use add_file")
    end
    parts[#parts + 1] = data
  end
end

--- Adds a file of these bytes: a string, or what a Stream or File has left. `options`: `method` (`deflate`, `store`),
--- `mode`, `modified`.
function writer_methods:add(name, data, options)
  check.string(name, 1, "add")
  options = check.optional(check.table, options, 3, "add") or {}
  local writer, err = open(writer_of(self), "archive")
  if not writer then
    return nil, err
  end
  local stream = transfer.stream_of(data)
  if stream then
    data, err = all_of(stream, writer.inline)
    if not data then
      return nil, err
    end
  end
  check.string(data, 2, "add")
  return settle(writer, operation("archive.add", writer.handle, name, data, options))
end

--- Adds a file of a volume.
function writer_methods:add_file(name, fs, path)
  check.string(name, 1, "add_file")
  check.string(path, 3, "add_file")
  local writer, err = open(writer_of(self), "archive")
  local volume = volume_of(fs)
  if not writer then
    return nil, err
  elseif not volume then
    return invalid("add_file: give a volume of the module fs")
  end
  return settle(
    writer,
    operation("archive.add_file", volume.id, volume.directory, path, writer.handle, name)
  )
end

--- Adds a directory.
function writer_methods:add_dir(name, options)
  check.string(name, 1, "add_dir")
  options = check.optional(check.table, options, 2, "add_dir") or {}
  local writer, err = open(writer_of(self), "archive")
  if not writer then
    return nil, err
  end
  return settle(writer, operation("archive.add_dir", writer.handle, name, options))
end

--- Completes the archive; twice is harmless.
function writer_methods:close()
  local state = writer_of(self)
  if not state.handle then
    return true, nil
  end
  local ok, err = settle(state, operation("archive.finish", state.handle))
  local closed, failure = close(state)
  return ok and closed, err or failure
end

local INLINE <const> = 16 * 1024 * 1024

--- Begins an archive: `create(volume, path, options)`, or `create(stream, options)`, which needs `format`.
function archive.create(target, path, options)
  local volume, stream = volume_of(target), transfer.stream_of(target)
  if not volume then
    options = path
  end
  options = check.optional(check.table, options, volume and 3 or 2, "create") or {}
  if not volume and not stream then
    error("bad argument #1 to 'create' (a volume, a Stream or a File expected)", 2)
  end
  local err = denied("archive.write", volume and volume.id or "")
  if err then
    return nil, err
  end
  local handle
  if volume then
    check.string(path, 2, "create")
    handle, err = operation("archive.create", volume.id, volume.directory, path, options)
  else
    handle, err = operation("archive.create_stream", options)
  end
  if not handle then
    return nil, err
  end
  local inline = math.type(options.max_inline_bytes) == "integer" and options.max_inline_bytes
    or INLINE
  return make_writer({ handle = handle, stream = stream, inline = inline }), nil
end

return archive
