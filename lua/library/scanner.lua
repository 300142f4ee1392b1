--- Scanners: read a stream of bytes token by token: lines, words, bytes or runes.
local use = ...
local errors = use("kernel/core/errors")
local object = use("kernel/core/object")
local tostring = use("kernel/core/stable").tostring

local byte, find, sub = string.byte, string.find, string.sub

local CHUNK <const> = 32 * 1024
local MAX_TOKEN <const> = 64 * 1024

-- Each split takes (buffer, position, at_end) and returns the token and the position behind it; nil
-- for "more bytes are needed", or, at the end, for "there is nothing more", with the position to go
-- on from.
local SPLITS = {}

function SPLITS.lines(buffer, position, at_end)
  local newline = find(buffer, "\n", position, true)
  if newline then
    local last = newline - 1
    if last >= position and byte(buffer, last) == 0x0d then
      last = last - 1
    end
    return sub(buffer, position, last), newline + 1
  elseif at_end and position <= #buffer then
    local last = byte(buffer, -1) == 0x0d and -2 or -1
    return sub(buffer, position, last), #buffer + 1
  end
  return nil, position
end

function SPLITS.words(buffer, position, at_end)
  local first, last = find(buffer, "%S+", position)
  if not first then
    return nil, #buffer + 1
  elseif last < #buffer or at_end then
    return sub(buffer, first, last), last + 1
  end
  return nil, first
end

function SPLITS.bytes(buffer, position)
  if position <= #buffer then
    return sub(buffer, position, position), position + 1
  end
  return nil, position
end

-- Bytes of a character by its first one; 1 for what cannot be a first one.
local function rune_length(first)
  if first >= 0xf0 and first < 0xf8 then
    return 4
  elseif first >= 0xe0 and first < 0xf0 then
    return 3
  elseif first >= 0xc2 and first < 0xe0 then
    return 2
  end
  return 1
end

function SPLITS.runes(buffer, position, at_end)
  local first = byte(buffer, position)
  local last = first and position + rune_length(first) - 1
  if not first or (last > #buffer and not at_end) then
    return nil, position
  end
  local rune = sub(buffer, position, last)
  if utf8.len(rune) == 1 then
    return rune, last + 1
  end
  return "\u{fffd}", position + 1
end

local methods = {}
local make, state_of = object.opaque("Scanner", methods)

local function stop(state, problem)
  state.done, state.text, state.problem, state.buffer = true, "", problem, ""
end

--- Goes to the next token: `true`; `false` at the end or after a failure, which `err()` returns;
-- `false, err` when what
--- is scanned has been closed.
function methods:scan()
  local state = state_of(self)
  while not state.done do
    local token, behind = state.split(state.buffer, state.position, state.at_end)
    state.position = behind
    local length = token and #token or #state.buffer - behind + 1
    if token and length <= MAX_TOKEN then
      state.text = token
      return true, nil
    elseif token or length > MAX_TOKEN + 1 then -- a line may still end in \r
      stop(state, "token longer than 64 KiB")
    elseif state.at_end then
      stop(state, nil)
    else
      local chunk, err, closed = state.read(CHUNK)
      if err then
        stop(state, tostring(err))
        if closed then
          return false, err
        end
      elseif not chunk then
        state.at_end = true
      else
        state.buffer = sub(state.buffer, state.position) .. chunk
        state.position = 1
      end
    end
  end
  return false, nil
end

--- The current token; "" before the first and after the last.
function methods:text()
  return state_of(self).text
end

--- What went wrong, as text, or nil.
function methods:err()
  return state_of(self).problem
end

--- A scanner, or nil and an Error (Invalid) for an unknown split.
-- @param read function of a number of bytes that returns a string, nil at the end, or `nil, err,
-- closed`
-- @param split "lines" (default), "words", "bytes" or "runes"
return function(read, split)
  local splitter = SPLITS[split or "lines"]
  if not splitter then
    return nil,
      errors.fail(
        "Invalid",
        "unknown split " .. tostring(split) .. "; use lines, words, bytes or runes"
      )
  end
  return make({
    read = read,
    split = splitter,
    buffer = "",
    position = 1,
    at_end = false,
    done = false,
    text = "",
    problem = nil,
  }),
    nil
end
