-- What the options of a call do: retry failed attempts, limit its time. See docs/reference/modules/funcs.md.
-- Options are those of the entry (`meta.options`), each replaced by the caller's of the same name.
local use = ...
local copies = use("kernel/core/copy")
local duration = use("kernel/core/duration")
local errors = use("kernel/core/errors")
local functions = use("kernel/functions/functions")
local scheduler = use("kernel/core/scheduler")
local timers = use("kernel/core/timers")
local tostring = use("kernel/core/stable").tostring

local interceptors = {}

local function invalid(name, expected, value)
  return errors.fail(
    "Invalid",
    "option " .. name .. ": " .. expected .. " expected, got " .. tostring(value)
  )
end

-- Nanoseconds of milliseconds or of a text such as "1m30s".
local function time_of(value, name, default)
  if value == nil then
    return default
  end
  local ns
  if type(value) == "number" then
    ns = math.floor(value * 1000000)
  elseif type(value) == "string" then
    ns = duration.parse(value)
  end
  if not ns or ns < 0 then
    error(invalid(name, 'milliseconds or a duration such as "30s"', value), 0)
  end
  return ns
end

local function number_of(value, name, default)
  if value == nil then
    return default
  elseif type(value) ~= "number" or value < 0 then
    error(invalid(name, "a number that is not negative", value), 0)
  end
  return value
end

-- The set of a list of kinds; an error without kind is "Unknown" there.
local function kinds_of(list, name)
  if list == nil then
    return nil
  elseif type(list) ~= "table" then
    error(invalid(name, "a list of kinds", list), 0)
  end
  local set = {}
  for _, kind in ipairs(list) do
    set[kind == "Unknown" and "" or kind] = true
  end
  return set
end

local function retry_of(retry)
  if retry == nil then
    return nil
  elseif type(retry) ~= "table" then
    error(invalid("retry", "a table", retry), 0)
  end
  local attempts = number_of(retry.max_attempts, "retry.max_attempts", 0)
  if attempts <= 1 then
    return nil
  end
  return {
    attempts = attempts,
    delay = time_of(retry.initial_delay, "retry.initial_delay", 100000000),
    max_delay = time_of(retry.max_delay, "retry.max_delay", 10000000000),
    factor = number_of(retry.backoff_factor, "retry.backoff_factor", 2),
    jitter = number_of(retry.jitter, "retry.jitter", 0.1),
    only = kinds_of(retry.retry_kinds, "retry.retry_kinds"),
    never = kinds_of(retry.skip_kinds, "retry.skip_kinds"),
  }
end

local function read(entry, options)
  local own = entry.options or {}
  options = options or {}
  local timeout = options.timeout
  if timeout == nil then
    timeout = own.timeout
  end
  local settings = {
    timeout = time_of(timeout, "timeout"),
    retry = retry_of(options.retry == nil and own.retry or options.retry),
  }
  return (settings.timeout or settings.retry) and settings or false
end

--- What a call of `entry` with the caller's `options` needs besides running it: nil for nothing, or `nil, err` for
--- options that make no sense.
function interceptors.settings(entry, options)
  if not options and not entry.options then
    return nil
  end
  local ok, settings = pcall(read, entry, options)
  if not ok then
    return nil, settings
  end
  return settings or nil
end

local PERMANENT <const> = { Invalid = true, PermissionDenied = true, Internal = true }

local function is_repeated(retry, err)
  local kind = err:kind()
  if err:retryable() == false or kind == "Canceled" or (retry.never and retry.never[kind]) then
    return false
  elseif retry.only then
    return retry.only[kind] == true
  end
  return not PERMANENT[kind]
end

-- Nanoseconds to wait after failed attempt `n`.
local function delay_after(retry, n)
  local delay = math.min(retry.max_delay, retry.delay * retry.factor ^ (n - 1))
  return math.floor(delay * (1 + retry.jitter * (math.random() * 2 - 1)))
end

--- Runs a function for the unit `caller` as `settings` say; `done(value, err)` gets its outcome unless the returned
--- function cancels it.
function interceptors.run(caller, settings, entry, frame, done, ...)
  local args, attempt, ended = table.pack(...), 0, false
  local retry = settings.retry
  local cancel, pause, limit

  local function stop()
    ended = true
    for _, timer in pairs({ pause, limit }) do
      scheduler.cancel(timer)
    end
    if cancel then
      cancel()
    end
  end

  local function try()
    attempt = attempt + 1
    cancel = functions.run(entry, frame, function(value, err)
      if ended then
        return
      elseif err and retry and attempt < retry.attempts and is_repeated(retry, err) then
        pause = timers.start(caller, delay_after(retry, attempt), try)
        return
      end
      stop()
      done(value, err)
    end, copies.all(table.unpack(args, 1, args.n)))
  end

  local function expire()
    stop()
    done(nil, errors.make("Timeout", "call of " .. entry.id .. " timed out", true))
  end

  if settings.timeout then
    limit = timers.limit(settings.timeout, function()
      if not caller.ended then
        scheduler.run_as(caller, expire)
      end
    end)
  end
  try()
  return stop
end

return interceptors
