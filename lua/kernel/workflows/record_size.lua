-- How much of a history values take, and what is too much. Sizes are upper bounds of what the journal packs
-- (src/vm/codec.ts), and the same in every replay.
local use = ...
local errors = use("kernel/core/errors")
local limits = use("kernel/core/limits")
local content = use("kernel/core/view").content
local metatable_of, next, type = debug.getmetatable, next, type

local record_size = {}

--- Bytes that one recorded value may have.
record_size.MOST = limits.RECORD

-- Of a number, a boolean, nil; of what is around a text; of what is around a table or an Error.
local SCALAR <const>, TEXT <const>, TABLE <const> = 10, 5, 16

local weigh

local function weigh_table(t, seen)
  if seen[t] then
    return SCALAR
  end
  seen[t] = true
  if metatable_of(t) == errors.meta then
    return TABLE
      + weigh(t._kind, seen)
      + weigh(t._message, seen)
      + weigh(t._retryable, seen)
      + weigh(t._details, seen)
      + weigh(t._stack, seen)
  end
  local bytes = TABLE
  for key, value in next, content(t) do
    bytes = bytes + weigh(key, seen) + weigh(value, seen)
  end
  return bytes
end

function weigh(value, seen)
  local kind = type(value)
  if kind == "string" then
    return #value + TEXT
  elseif kind == "table" then
    return weigh_table(value, seen or {})
  end
  return SCALAR
end

--- Bytes of a value.
function record_size.of(value)
  return weigh(value)
end

--- Bytes of `n` values.
function record_size.of_all(values, n)
  local bytes, seen = 0, nil
  for i = 1, n do
    local value = values[i]
    seen = seen or type(value) == "table" and {} or nil
    bytes = bytes + weigh(value, seen)
  end
  return bytes
end

--- The Error (Invalid) when `what`, of so many bytes, is too large to be recorded; else nil.
function record_size.refusal(bytes, what)
  if bytes <= record_size.MOST then
    return nil
  end
  return errors.make(
    "Invalid",
    what
      .. " has about "
      .. bytes
      .. " bytes; at most "
      .. record_size.MOST
      .. " can be recorded. Keep it in a file or a store, and pass its name",
    false,
    { size = bytes, limit = record_size.MOST }
  )
end

--- An Error that can be recorded: one that is too large is replaced by what says so, with the beginning of its message.
function record_size.bounded(err, what)
  local refusal = err and record_size.refusal(record_size.of(err), what)
  if not refusal then
    return err
  end
  return errors.make(
    err._kind,
    err._message:sub(1, 1000) .. " [" .. refusal._message .. "]",
    err._retryable,
    refusal._details
  )
end

return record_size
