-- The Error object of Lua code. It has no setters; what goes to another unit is a copy all the same.
local use = ...
local object = use("kernel/core/object")
local tostring = use("kernel/core/stable").tostring
local content = use("kernel/core/view").content

local errors = {
  NOT_FOUND = "NotFound",
  ALREADY_EXISTS = "AlreadyExists",
  INVALID = "Invalid",
  PERMISSION_DENIED = "PermissionDenied",
  UNAVAILABLE = "Unavailable",
  INTERNAL = "Internal",
  CANCELED = "Canceled",
  CONFLICT = "Conflict",
  TIMEOUT = "Timeout",
  RATE_LIMITED = "RateLimited",
  UNKNOWN = "",
}

local getinfo = host.getinfo
local header = "stack traceback:\n"
-- Frames of a stack at most; those behind say little.
local MOST_FRAMES <const> = 20

-- Source, line and function of a frame as an Error or Lua's traceback writes it; nil for the kernel's own frames and
-- for other lines.
local function frame_of(line)
  local source, number, name = line:match("^  (%S.-):(%d+) %((.+)%)$")
  if not source then
    source, number, name = line:match("^\t(.-):(%d+): in (.+)$")
  end
  if source and source:sub(1, 4) ~= "lua/" then
    return source, number, name
  end
  return nil
end

-- What Lua's traceback has besides frames of application code.
local function is_decoration(line)
  return line:find("^stack traceback:") ~= nil or line:find("^\t") ~= nil
end

local function is_kernel(info)
  return info.source:sub(1, 5) == "=lua/"
end

-- The calls that led to a function of this module, innermost first: a line `  SOURCE:LINE (NAME)` for each.
local function captured()
  local lines, info = {}, getinfo(3, "Sln")
  local level = 3
  while info and #lines < MOST_FRAMES do
    level = level + 1
    local caller = getinfo(level, "Sln")
    if info.currentline > 0 and not is_kernel(info) then
      -- What the kernel calls it by is nothing to the program.
      local named = info.name and not (caller and is_kernel(caller))
      local name = named and info.namewhat .. " '" .. info.name .. "'"
        or info.what == "main" and "main chunk"
        or "function <" .. info.short_src .. ":" .. info.linedefined .. ">"
      lines[#lines + 1] = "  " .. info.short_src .. ":" .. info.currentline .. " (" .. name .. ")"
    end
    info = caller
  end
  return table.concat(lines, "\n")
end

local methods = {}

function methods:kind()
  return self._kind
end

--- The text; of a wrapped error that of the error inside, without the newest context.
function methods:message()
  return self._message
end

function methods:retryable()
  return self._retryable
end

--- A fresh shallow copy, so that the error itself stays as it was made.
function methods:details()
  local details = self._details
  if details == nil then
    return nil
  end
  local copy = {}
  for key, value in pairs(details) do
    copy[key] = value
  end
  return copy
end

--- Where the error was made and wrapped: for each wrapping, newest first, its context and then a line
--- `  SOURCE:LINE (NAME)` per frame of application code; last the frames of the error that was wrapped. May be empty.
function methods:stack()
  local lines = {}
  for line in (self._stack or ""):gmatch("[^\n]+") do
    local source, number, name = frame_of(line)
    if source then
      lines[#lines + 1] = "  " .. source .. ":" .. number .. " (" .. name .. ")"
    elseif not is_decoration(line) then
      lines[#lines + 1] = line
    end
  end
  return table.concat(lines, "\n")
end

local make, meta = object.define("error", methods, {
  __tostring = function(self)
    return self._message
  end,
  -- Lua's library functions take it where they want a string.
  __text = function(self)
    return self._message
  end,
  __concat = function(left, right)
    return tostring(left) .. tostring(right)
  end,
})

errors.meta = meta

--- The kernel's constructor: no checks. Also what the host calls to turn a WippyError into an Error.
function errors.make(kind, message, retryable, details, stack)
  return make({
    _kind = kind,
    _message = message,
    _retryable = retryable,
    _details = details,
    _stack = stack,
  })
end

--- True when `value` is an Error object.
function errors.is_error(value)
  return type(value) == "table" and debug.getmetatable(value) == meta
end

--- An error that is not retryable, the form of every error that the runtime makes itself.
function errors.fail(kind, message)
  return make({ _kind = kind, _message = message, _retryable = false })
end

-- The details that have a name; nil when there are none.
local function named(details)
  local copy
  for key, value in next, details and content(details) or {} do
    if type(key) == "string" then
      copy = copy or {}
      copy[key] = value
    end
  end
  return copy
end

--- For programs, which call it by `host.delegate`: `errors.new(message)` or `errors.new{message=, kind=, retryable=,
--- details=}`.
function errors.new(spec)
  if type(spec) == "string" then
    return make({ _kind = "", _message = spec, _stack = captured() })
  end
  if type(spec) ~= "table" then
    error("bad argument #1 to 'new' (string or table expected, got " .. host.type(spec) .. ")", 3)
  end
  local message, kind, retryable, details = spec.message, spec.kind, spec.retryable, spec.details
  if type(message) ~= "string" then
    error("bad argument #1 to 'new' (field 'message' must be a string)", 3)
  elseif kind ~= nil and type(kind) ~= "string" then
    error("bad argument #1 to 'new' (field 'kind' must be a string)", 3)
  elseif retryable ~= nil and type(retryable) ~= "boolean" then
    error("bad argument #1 to 'new' (field 'retryable' must be a boolean)", 3)
  elseif details ~= nil and type(details) ~= "table" then
    error("bad argument #1 to 'new' (field 'details' must be a table)", 3)
  end
  return make({
    _kind = kind or "",
    _message = message,
    _retryable = retryable,
    _details = named(details),
    _stack = captured(),
  })
end

-- The text with the context, as it leaves the unit.
local function whole_text(err)
  local context = err._context
  return context and context .. ": " .. err._message or err._message
end

--- A new Error with the kind, retryable and details of `err`, and a context that shows in its stack and where the error
--- leaves the unit (`context: text`), not in its text. The context may be an Error, whose text it is then.
function errors.wrap(err, context)
  if errors.is_error(context) then
    context = context._message
  elseif type(context) ~= "string" then
    error("bad argument #2 to 'wrap' (string expected, got " .. host.type(context) .. ")", 3)
  end
  local stack = context .. "\n" .. captured()
  if not errors.is_error(err) then
    return make({ _kind = "", _message = tostring(err), _context = context, _stack = stack })
  end
  return make({
    _kind = err._kind,
    _message = whole_text(err),
    _context = context,
    _retryable = err._retryable,
    _details = err._details,
    _stack = err._stack and stack .. "\n" .. err._stack or stack,
  })
end

--- True when `err` is an Error of that kind.
function errors.is(err, kind)
  return errors.is_error(err) and err._kind == kind
end

--- `{thread=, frames={{level=, source=, line=, name=, type=}, …}}`: the calls that led to where an Error was made or
--- last wrapped, innermost first; nil when no stack is attached. `type` is "main" for top-level code, else "Lua".
function errors.call_stack(err)
  if not errors.is_error(err) or not err._stack then
    return nil
  end
  local frames = {}
  for line in err._stack:gmatch("[^\n]+") do
    local source, number, name = frame_of(line)
    if source then
      frames[#frames + 1] = {
        level = #frames + 1,
        source = source,
        line = math.tointeger(number),
        name = name:match("'(.-)'$") or name,
        type = name == "main chunk" and "main" or "Lua",
      }
    elseif #frames > 0 and not is_decoration(line) then
      -- The context of the error inside begins.
      break
    end
  end
  return { thread = "main", frames = frames }
end

--- An Error as it leaves its unit: its context is part of its text. One in whose fields the program has written other
--- things is replaced by one that is whole.
function errors.sound(err)
  local kind, message, retryable = err._kind, err._message, err._retryable
  local details, stack = err._details, err._stack
  if
    type(kind) == "string"
    and type(message) == "string"
    and (details == nil or type(details) == "table")
    and (stack == nil or type(stack) == "string")
    and (retryable == nil or type(retryable) == "boolean")
    and (err._context == nil or type(err._context) == "string")
  then
    if err._context then
      return errors.make(kind, whole_text(err), retryable, details, stack)
    end
    return err
  end
  return errors.make("Internal", "an Error whose fields were overwritten")
end

--- Whether a raised value is a table with a `__tostring` of the program.
function errors.has_own_text(value)
  local meta = type(value) == "table" and debug.getmetatable(value)
  return meta and not object.is_defined(meta) and rawget(meta, "__tostring") ~= nil
end

-- The text of a raised value. A program's own `__tostring` is not called: here nothing could stop it.
local function text_of(value)
  if type(value) == "string" then
    return value
  end
  local meta = type(value) == "table" and debug.getmetatable(value)
  if meta and not object.is_defined(meta) then
    return "error object is a table value"
  end
  return tostring(value)
end

--- What a raised value becomes when it fails a unit: an Error stays, anything else is Internal with its text.
function errors.from_raised(value, stack)
  if errors.is_error(value) then
    value = errors.sound(value)
    if stack then
      local own = value._stack
      -- The place where it was made says more than that where it was raised.
      local trace = own and (own:find(header, 1, true) and own or header .. own) or stack
      return errors.make(value._kind, value._message, value._retryable, value._details, trace)
    end
    return value
  end
  return errors.make("Internal", text_of(value), nil, nil, stack)
end

--- What a second return value of a main function means: an Error, or nil for none.
function errors.from_returned(value)
  if type(value) == "string" then
    return errors.make("Internal", value, false)
  end
  if errors.is_error(value) then
    value = errors.sound(value)
    if value._kind == "" then
      return errors.make("Internal", value._message, value._retryable, value._details, value._stack)
    end
    return value
  end
  return nil
end

return errors
