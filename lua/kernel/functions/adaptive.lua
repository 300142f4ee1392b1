-- How many instances an adaptive pool has: it grows as long as that raises throughput. The pool is sampled twice
-- per second while there is load; growth is a probe, kept or reverted after four samples.
local use = ...
local scheduler = use("kernel/core/scheduler")

local adaptive = {}

local LOOK <const> = 500000000
local PROBE_LOOKS <const>, IDLE_LOOKS <const> = 4, 8
-- What throughput varies by without meaning anything.
local NOISE <const> = 0.1
local FIRST_PAUSE <const>, LONGEST_PAUSE <const> = 4, 128

-- The result of a probe that is over: its growth stays when more calls came through, or as many and the queue is
-- shorter.
local function worth_it(probe, queue)
  local rate = probe.done / PROBE_LOOKS
  if rate > probe.rate * (1 + NOISE) then
    return true
  end
  return rate >= probe.rate * (1 - NOISE) and queue < probe.queue
end

local function grow(state, self, most, queue)
  local step = math.max(queue // self.limit, math.ceil(self.limit / 4))
  step = math.max(1, math.min(step, most // 4))
  state.probe = { from = self.limit, rate = state.rate, queue = queue, looks = 0, done = 0 }
  self.limit = math.min(most, self.limit + step)
end

local function judge(state, self, queue)
  local probe = state.probe
  state.probe = nil
  if worth_it(probe, queue) then
    state.pause = FIRST_PAUSE
  else
    self.limit = probe.from
    state.wait = math.floor(state.pause * (0.75 + math.random() / 2))
    state.pause = math.min(LONGEST_PAUSE, state.pause * 2)
  end
end

local function shrink(state, self, busy)
  self.limit = math.max(1, busy + 1, self.limit - 1)
  state.idle = 0
  while self.size > self.limit and #self.free > 0 do
    self.free[#self.free] = nil
    self.size = self.size - 1
  end
end

-- One look. False when there is nothing to look after any more.
local function look(state, self, most, fill)
  local queue, busy = self.last - self.first + 1, self.size - #self.free
  local done = self.done - state.done
  state.done = self.done
  local probe = state.probe
  if probe then
    probe.looks, probe.done = probe.looks + 1, probe.done + done
    if probe.looks == PROBE_LOOKS then
      judge(state, self, queue)
    end
  elseif state.wait > 0 then
    state.wait = state.wait - 1
  elseif busy >= self.limit and queue > 0 and self.limit < most then
    grow(state, self, most, queue)
  end
  state.rate = (state.rate + done) / 2
  state.idle = queue == 0 and busy * 2 < self.limit and state.idle + 1 or 0
  if state.idle >= IDLE_LOOKS and not state.probe then
    shrink(state, self, busy)
  end
  fill()
  return busy > 0 or queue > 0 or self.limit > 1
end

--- Looks after a pool (a table of kernel/functions/pool) of at most `most` instances until it is idle and small.
--- `fill` starts queued calls for which there is room now.
function adaptive.control(self, most, fill)
  self.watched = true
  local state = { rate = 0, idle = 0, wait = 0, pause = FIRST_PAUSE, done = self.done }
  local function again()
    scheduler.at(host.now() + LOOK, {
      fire = function()
        if look(state, self, most, fill) then
          again()
        else
          self.watched = false
        end
      end,
    })
  end
  again()
end

return adaptive
