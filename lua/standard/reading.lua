-- Reading of files in scripts: the host returns blocks, which are cut up here, so that a line costs no crossing. A
-- regular file is read while the thread waits, as its bytes are there; a pipe, a terminal or a command lets the
-- others go on, where the code can yield.
--
-- The state of a file: `id` (of the host), `kind` ("file", "input", "output", "command"), `work` (the unit's, for the
-- host), `waits`, `buffer` and `at` (the next byte in it), `lines` (those that were cut off the buffer in advance, from
-- `at` on) and `next` (the first of them), `closed`.
local use = ...
local effects = use("kernel/core/effects")
local numerals = use("standard/numerals")
local outcome = use("standard/outcome")
local find, sub, concat, unpack = string.find, string.sub, table.concat, table.unpack
local isyieldable = coroutine.isyieldable
local read, split_lines = host.read, host.split_lines

local BLOCK <const> = 65536

local reading = {}

local function ask(state)
  local kind = state.kind
  if kind == "input" then
    if isyieldable() then
      return effects.operation("io.input", BLOCK)
    end
    return effects.immediate("io.input_now", BLOCK)
  elseif kind == "command" then
    return effects.operation("io.command_read", state.id, BLOCK)
  elseif kind == "output" then
    return { "Bad file descriptor", 9 }
  elseif state.waits and isyieldable() then
    return effects.operation("io.file_read_waiting", state.id, BLOCK)
  end
  return read(state.work, state.id)
end

-- The next block, behind what is left of the last one; false at the end; nil, message and number for a failure.
local function fill(state)
  local block, message, number = outcome(nil, ask(state))
  if not block then
    return nil, message, number
  elseif block == "" then
    return false
  end
  local rest = state.at <= #state.buffer and sub(state.buffer, state.at) or ""
  state.buffer, state.at = rest == "" and block or rest .. block, 1
  return true
end

-- A line that goes over the end of the buffer.
local function long_line(state, keep)
  local parts, n = {}, 0
  while true do
    local buffer, at = state.buffer, state.at
    local stop = find(buffer, "\n", at, true)
    n = n + 1
    if stop then
      state.at = stop + 1
      parts[n] = sub(buffer, at, keep and stop or stop - 1)
      return concat(parts)
    end
    parts[n] = sub(buffer, at)
    state.buffer, state.at = "", 1
    local more, message, number = fill(state)
    if more == nil then
      return nil, message, number
    elseif not more then
      local line = concat(parts)
      return line ~= "" and line or nil
    end
  end
end

-- Forgets the lines that were cut off in advance: `at` stands behind those that were read.
local function drop_lines(state)
  local lines, at = state.lines, state.at
  for i = 1, state.next - 1 do
    at = at + #lines[i] + 1
  end
  lines[1], state.next, state.at = nil, 1, at
end

-- The next line, where no line is ready: cuts more lines off the buffer.
local function more_lines(state)
  drop_lines(state)
  local lines = state.lines
  if split_lines(state.buffer, state.at, lines) == 0 then
    return long_line(state, false)
  end
  state.next = 2
  return lines[1]
end

local function read_line(state)
  local next = state.next
  local line = state.lines[next]
  if line then
    state.next = next + 1
    return line
  end
  return more_lines(state)
end

--- All that is left: a text; or nil, message and number.
local function read_all(state)
  local parts, n = { sub(state.buffer, state.at) }, 1
  state.buffer, state.at = "", 1
  while true do
    local more, message, number = fill(state)
    if more == nil then
      return nil, message, number
    elseif not more then
      return concat(parts)
    end
    n = n + 1
    parts[n] = state.buffer
    state.buffer, state.at = "", 1
  end
end

local function read_bytes(state, count)
  if count == 0 then
    if state.at <= #state.buffer then
      return ""
    end
    local more, message, number = fill(state)
    if more then
      return ""
    elseif more == nil then
      return nil, message, number
    end
    return nil
  end
  local parts, n = {}, 0
  while count > 0 do
    if state.at > #state.buffer then
      local more, message, number = fill(state)
      if more == nil then
        return nil, message, number
      elseif not more then
        break
      end
    end
    local piece = sub(state.buffer, state.at, state.at + count - 1)
    state.at = state.at + #piece
    count = count - #piece
    n = n + 1
    parts[n] = piece
  end
  if n == 0 then
    return nil
  end
  return concat(parts)
end

-- A numeral is at most 200 characters long.
local function read_number(state)
  while true do
    local _, blank = find(state.buffer, "^%s*", state.at)
    state.at = blank + 1
    if state.at <= #state.buffer or not fill(state) then
      break
    end
  end
  while #state.buffer - state.at < 201 and fill(state) do
  end
  local text = numerals.prefix(state.buffer, state.at)
  state.at = state.at + #text
  return tonumber(text)
end

local formats = {
  L = function(state)
    return long_line(state, true)
  end,
  a = read_all,
  n = read_number,
}

local function read_one(state, format, n, name, level)
  if format == "l" or format == "*l" then
    return read_line(state)
  end
  drop_lines(state)
  if type(format) == "number" then
    local count = math.tointeger(format)
    if not count then
      error(
        "bad argument #" .. n .. " to '" .. name .. "' (number has no integer representation)",
        level + 1
      )
    end
    return read_bytes(state, count)
  end
  -- Lua 5.1 began them with an asterisk.
  local reader = type(format) == "string" and formats[format:match("^%*?(.)") or ""]
  if not reader then
    error("bad argument #" .. n .. " to '" .. name .. "' (invalid format)", level + 1)
  end
  return reader(state)
end

local function read_formats(state, name, level, ...)
  local count = select("#", ...)
  if count == 0 then
    return read_line(state)
  elseif count == 1 then
    return read_one(state, (...), 1, name, level + 1)
  end
  local wanted, values = { ... }, {}
  for i = 1, count do
    local value, message, number = read_one(state, wanted[i], i, name, level + 1)
    if message then
      return nil, message, number
    end
    values[i] = value
    if value == nil then
      return unpack(values, 1, i)
    end
  end
  return unpack(values, 1, count)
end

-- What was read ahead is behind the place where the program is.
local function forget_read_ahead(state)
  drop_lines(state)
  local ahead = #state.buffer - state.at + 1
  state.buffer, state.at = "", 1
  if ahead > 0 and state.kind == "file" and not state.waits then
    effects.immediate("io.file_seek", state.id, "cur", -ahead)
  end
end

reading.all, reading.more_lines, reading.line = read_all, more_lines, read_line
reading.long_line, reading.formats = long_line, read_formats
reading.drop_lines, reading.forget_ahead = drop_lines, forget_read_ahead

return reading
