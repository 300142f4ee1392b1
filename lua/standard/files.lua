-- Files as scripts have them: Lua's own file objects. How they are read: standard/reading.
local use = ...
local effects = use("kernel/core/effects")
local object = use("kernel/core/object")
local operations = use("kernel/functions/operations")
local outcome = use("standard/outcome")
local reading = use("standard/reading")
local scheduler = use("kernel/core/scheduler")
local tostring = use("kernel/core/stable").tostring
local concat, unpack = table.concat, table.unpack
local isyieldable = coroutine.isyieldable
local drop_lines, forget_read_ahead = reading.drop_lines, reading.forget_ahead
local more_lines, read_formats, read_line = reading.more_lines, reading.formats, reading.line
local write = host.write

-- The state of a file lies under a key that no program has.
local STATE = {}

local methods = {}
local new_file
new_file = object.define("FILE*", methods, {
  __tostring = function(self)
    local state = self[STATE]
    if state.closed then
      return "file (closed)"
    end
    return ("file (%p)"):format(state)
  end,
  __close = function(self)
    if not self[STATE].closed then
      methods.close(self)
    end
  end,
})

local function make(kind, id, waits)
  return new_file({
    [STATE] = {
      kind = kind,
      id = id,
      work = kind == "file" and operations.host_work(scheduler.current),
      waits = waits,
      buffer = "",
      at = 1,
      lines = {},
      next = 1,
      closed = false,
    },
  })
end

local function is_file(value)
  return object.is("FILE*", value)
end

local function open_state(self, name, level)
  local state = type(self) == "table" and rawget(self, STATE)
  if not state then
    error(
      "bad argument #1 to '" .. name .. "' (FILE* expected, got " .. host.type(self) .. ")",
      level or 3
    )
  elseif state.closed then
    error("attempt to use a closed file", level or 3)
  end
  return state
end

-- Writes values one by one; what is no string or integer is the place of the first that is not.
local function put(state, ...)
  local kind = state.kind
  if kind == "file" then
    if state.buffer ~= "" then
      forget_read_ahead(state)
    end
    return write(state.work, state.id, ...)
  elseif kind == "output" then
    return write(false, state.id, ...)
  elseif kind == "input" then
    return { "Bad file descriptor", 9 }
  end
  local parts = { ... }
  for i = 1, select("#", ...) do
    if type(parts[i]) ~= "string" and math.type(parts[i]) ~= "integer" then
      return i
    end
  end
  local _, message, number =
    outcome(nil, effects.operation("io.command_write", state.id, concat(parts)))
  return message and { message, number } or nil
end

local function put_converted(state, level, ...)
  local parts, count = { ... }, select("#", ...)
  for i = 1, count do
    if math.type(parts[i]) == "float" then
      parts[i] = ("%.14g"):format(parts[i])
    elseif type(parts[i]) ~= "string" and type(parts[i]) ~= "number" then
      local got = host.type(parts[i])
      error("bad argument #" .. i .. " to 'write' (string expected, got " .. got .. ")", level + 1)
    end
  end
  return put(state, unpack(parts, 1, count))
end

local function write_values(self, state, level, ...)
  local failure = put(state, ...)
  if failure == nil then
    return self
  elseif type(failure) == "number" then
    failure = put_converted(state, level + 1, ...)
  end
  if failure then
    return nil, failure[1], failure[2]
  end
  return self
end

--- Writes strings and numbers. Returns the file; or nil, message and number of the error.
function methods:write(...)
  return write_values(self, open_state(self, "write"), 2, ...)
end

--- Reads in the formats "l" (unless given), "L", "n", "a", or that many bytes.
function methods:read(format, ...)
  if format == nil or format == "l" and select("#", ...) == 0 then
    -- Whatever `self` is, only a file has a line at hand.
    local state = self[STATE]
    local next = state and state.next
    local line = next and state.lines[next]
    if line then
      state.next = next + 1
      return line
    end
    return read_line(open_state(self, "read"))
  end
  return read_formats(open_state(self, "read"), "read", 2, format, ...)
end

local function closed_file()
  error("file is already closed", 2)
end

-- An iterator over a file. `ends`: it is closed at its end.
local function iterator(self, state, ends, ...)
  local function finish(first, message, ...)
    if first ~= nil then
      return first, message, ...
    elseif message then
      error(message, 2)
    elseif ends then
      methods.close(self)
    end
    return nil
  end
  if select("#", ...) == 0 then
    local lines = state.lines
    return function()
      local next = state.next
      local line = lines[next]
      if line then
        state.next = next + 1
        return line
      elseif state.closed then
        closed_file()
      end
      return finish(more_lines(state))
    end
  end
  local wanted = table.pack(...)
  return function()
    if state.closed then
      closed_file()
    end
    return finish(read_formats(state, "lines", 2, unpack(wanted, 1, wanted.n)))
  end
end

--- An iterator that reads in these formats, lines unless given.
function methods:lines(...)
  return iterator(self, open_state(self, "lines"), false, ...)
end

--- Moves the position: whence "set", "cur" (unless given) or "end", and an offset. Returns the new one.
function methods:seek(whence, offset)
  local state = open_state(self, "seek")
  whence, offset = whence or "cur", offset or 0
  if whence ~= "set" and whence ~= "cur" and whence ~= "end" then
    error("bad argument #1 to 'seek' (invalid option '" .. tostring(whence) .. "')", 2)
  end
  local integer = math.tointeger(offset)
  if not integer then
    error("bad argument #2 to 'seek' (number has no integer representation)", 2)
  elseif state.kind ~= "file" then
    return nil, "Illegal seek", 29
  end
  drop_lines(state)
  if whence == "cur" then
    integer = integer - (#state.buffer - state.at + 1)
  end
  local place, message, number =
    outcome(nil, effects.immediate("io.file_seek", state.id, whence, integer))
  if not place then
    return nil, message, number
  end
  state.buffer, state.at = "", 1
  return place
end

--- Hands what was written to the operating system.
function methods:flush()
  local state = open_state(self, "flush")
  if state.kind == "output" then
    write(false, state.id, "")
  elseif state.kind == "file" then
    local ok, message, number = outcome(nil, effects.immediate("io.file_flush", state.id))
    if not ok then
      return nil, message, number
    end
  end
  return self
end

--- Accepted for other programs' sake: what is written leaves in blocks, at a flush, and at the end of a turn.
function methods:setvbuf()
  open_state(self, "setvbuf")
  return true
end

--- Closes the file. A command is waited for: `true | nil, "exit" | "signal", code`.
function methods:close()
  local state = open_state(self, "close")
  drop_lines(state)
  state.closed, state.buffer, state.at = true, "", 1
  if state.kind == "file" then
    return outcome(nil, effects.immediate("io.file_close", state.id))
  elseif state.kind == "command" then
    local ended, message, number = outcome(nil, effects.operation("io.command_close", state.id))
    if not ended then
      return nil, message, number
    end
    return ended.how == "exit" and ended.code == 0 or nil, ended.how, ended.code
  end
  return true
end

local files =
  { is = is_file, make = make, close = methods.close, iterator = iterator, open_state = open_state }

--- Opens a file: `file`, or nil, message and number.
function files.open(name, mode)
  local opened, message, number = outcome(name, effects.immediate("io.open", name, mode))
  if opened and opened.wait then
    if isyieldable() then
      opened, message, number = outcome(name, effects.operation("io.open_waiting", name, mode))
    else
      return nil, name .. ": a named pipe cannot be opened where the code cannot wait", 11
    end
  end
  if not opened then
    return nil, message, number
  end
  return make("file", opened.id, opened.waits)
end

--- All of a program's standard input that is left.
function files.rest_of_input(file)
  local state = file[STATE]
  drop_lines(state)
  return reading.all(state)
end

--- The state of a file.
function files.state(file)
  return file[STATE]
end

files.write = write_values

return files
