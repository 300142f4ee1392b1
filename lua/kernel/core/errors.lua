-- The Error object of Lua code. It has no setters; what goes to another unit is a copy all the same.
local use = ...
local object = use("kernel/core/object")

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

local methods = {}

function methods:kind()
  return self._kind
end

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

function methods:stack()
  return self._stack or ""
end

local make, meta = object.define("error", methods, {
  __tostring = function(self)
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

--- `errors.new(message)` or `errors.new{message=, kind=, retryable=, details=}`.
function errors.new(spec)
  if type(spec) == "string" then
    return make({ _kind = "", _message = spec })
  end
  if type(spec) ~= "table" then
    error("bad argument #1 to 'new' (string or table expected, got " .. host.type(spec) .. ")", 2)
  end
  local message, kind, retryable, details = spec.message, spec.kind, spec.retryable, spec.details
  if type(message) ~= "string" then
    error("bad argument #1 to 'new' (field 'message' must be a string)", 2)
  elseif kind ~= nil and type(kind) ~= "string" then
    error("bad argument #1 to 'new' (field 'kind' must be a string)", 2)
  elseif retryable ~= nil and type(retryable) ~= "boolean" then
    error("bad argument #1 to 'new' (field 'retryable' must be a boolean)", 2)
  elseif details ~= nil and type(details) ~= "table" then
    error("bad argument #1 to 'new' (field 'details' must be a table)", 2)
  end
  return make({ _kind = kind or "", _message = message, _retryable = retryable, _details = details })
end

--- A new Error with the kind, retryable and details of `err`; its text is `context: original`.
function errors.wrap(err, context)
  if type(context) ~= "string" then
    error("bad argument #2 to 'wrap' (string expected, got " .. host.type(context) .. ")", 2)
  end
  local text = context .. ": " .. tostring(err)
  if errors.is_error(err) then
    return errors.make(err._kind, text, err._retryable, err._details, err._stack)
  end
  return errors.make("", text)
end

--- True when `err` is an Error of that kind.
function errors.is(err, kind)
  return errors.is_error(err) and err._kind == kind
end

--- `{thread=, frames={{source=, line=, name=}, …}}` from the stack of an Error, or nil when none is attached.
function errors.call_stack(err)
  if not errors.is_error(err) or not err._stack then
    return nil
  end
  local frames = {}
  for line in err._stack:gmatch("[^\n]+") do
    local source, number, name = line:match("^%s*(.-):(%d+): in (.+)$")
    if source then
      frames[#frames + 1] = { source = source, line = math.tointeger(number), name = name }
    end
  end
  return { thread = "main", frames = frames }
end

--- An Error as it was made, or, when the program has written other things into its fields, one that is whole.
function errors.sound(err)
  local kind, message, retryable = err._kind, err._message, err._retryable
  local details, stack = err._details, err._stack
  if
    type(kind) == "string"
    and type(message) == "string"
    and (details == nil or type(details) == "table")
    and (stack == nil or type(stack) == "string")
    and (retryable == nil or type(retryable) == "boolean")
  then
    return err
  end
  return errors.make("Internal", "an Error whose fields were overwritten")
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
    if stack and not value._stack then
      return errors.make(value._kind, value._message, value._retryable, value._details, stack)
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
