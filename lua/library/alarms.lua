-- Timers and tickers of module `time`: channels into which a Time is put when its time comes.
local runtime = ...
local effects, errors = runtime.effects, runtime.errors
local channels = runtime.use("kernel/messaging/channel")
local durations = runtime.use("kernel/core/duration")

local alarms = {}

-- A duration that must be positive: ns, or nil and an Error.
local function positive(d)
  local ns, err = durations.of(d)
  if not ns then
    return nil, err
  elseif ns <= 0 then
    return nil,
      errors.fail("Invalid", "the duration must be positive, got " .. durations.format(ns))
  end
  return ns
end

-- Delivers one Time into the channel and closes it. `state` holds the pending timer's handle, or false.
local function arm(state, ns)
  local handle
  handle = effects.timer(ns, function()
    if state.handle ~= handle then
      return -- it raced with reset or stop
    end
    state.handle = false
    channels.try_send(state.channel, state.now())
    channels.close(state.channel)
  end)
  state.handle = handle
end

-- Of timers and tickers, under a key that no program can get at: the kernel writes to it when the time comes.
local STATE <const> = {}
local timer_methods = {}
local make_timer = runtime.object("Timer", timer_methods)

function timer_methods:response()
  return self[STATE].channel
end

timer_methods.channel = timer_methods.response

-- Cancels what is pending; false when nothing was.
local function disarm(state)
  local handle = state.handle
  if not handle then
    return false
  end
  state.handle = false
  effects.cancel_timer(handle)
  return true
end

function timer_methods:stop()
  local state = self[STATE]
  local pending = disarm(state)
  channels.close(state.channel)
  return pending
end

function timer_methods:reset(d)
  local ns, err = positive(d)
  if not ns then
    error("bad argument #1 to 'reset' (" .. err:message() .. ")", 2)
  end
  if not disarm(self[STATE]) then
    return false
  end
  arm(self[STATE], ns)
  return true
end

--- A Timer that fires once after `d`; `now()` makes the Time that it delivers. `nil, err` for what is no duration or
--- not positive.
function alarms.timer(now, d)
  local ns, err = positive(d)
  if not ns then
    return nil, err
  end
  local state = { channel = channels.new(1), handle = false, now = now }
  arm(state, ns)
  return make_timer({ [STATE] = state }), nil
end

local TICKER_BUFFER <const> = 16

-- Sets the timer of the next tick. Ticks stay on the beat of the first; those that the unit was too
-- late for are dropped.
local function beat(state)
  local at = effects.now()
  if state.due <= at then
    state.due = at + state.interval - (at - state.due) % state.interval
  end
  state.handle = effects.timer(state.due - at, function()
    if not state.handle then
      return
    end
    state.due = durations.sum(state.due, state.interval)
    channels.try_send(state.channel, state.now())
    beat(state)
  end)
end

local ticker_methods = {}
local make_ticker = runtime.object("Ticker", ticker_methods)

function ticker_methods:response()
  return self[STATE].channel
end

ticker_methods.channel = ticker_methods.response

function ticker_methods:stop()
  local state = self[STATE]
  disarm(state)
  channels.close(state.channel)
  return true
end

--- A Ticker that delivers a Time each time that `d` has passed.
function alarms.ticker(now, d)
  local ns, err = positive(d)
  if not ns then
    return nil, err
  end
  local state = {
    channel = channels.new(TICKER_BUFFER),
    interval = ns,
    due = durations.sum(effects.now(), ns),
    now = now,
  }
  beat(state)
  return make_ticker({ [STATE] = state }), nil
end

return alarms
