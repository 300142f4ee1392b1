-- Keeps some processes alive, `count` in all, answers what they ask, and ends some of them in the middle. Returns what
-- they tell of wrong wakes, and what is missing.
local time = require("time")

local ENDINGS <const> = { "return", "return", "return", "return", "error", "linked", "wait" }

local function main(seed, count, most)
  local state, started, alive = seed, 0, 0
  local faults, pids, open, done = {}, {}, {}, 0
  local inbox = process.inbox()

  local function random(n)
    state = (state * 1103515245 + 12345) & 0x7fffffff
    return (state >> 12) % n
  end

  local function start()
    started = started + 1
    local ending = ENDINGS[random(#ENDINGS) + 1]
    local pid = assert(process.spawn("app:waiting", "app:processes"))
    process.send(pid, "order", { driver = process.pid(), number = started, seed = random(1 << 30), ending = ending })
    pids[started] = pid
    local killed = ending == "wait" or random(8) == 0
    if killed then
      -- Another one of those that end.
      local killer = assert(process.spawn("app:killer", "app:processes"))
      process.send(killer, "order", { pid = pid, delay = random(8), how = random(2) == 0 and "cancel" or "terminate" })
    else
      open[started] = ending
      alive = alive + 1
    end
  end

  while true do
    while started < count and alive < most do
      start()
    end
    if alive == 0 then
      break
    end
    local quiet = time.after("30s")
    local got = channel.select({ inbox:case_receive(), quiet:case_receive() })
    if got.channel == quiet then
      break
    end
    local message = got.value
    local data = message:payload():data()
    if message:topic() == "ask" then
      process.send(data.pid, "answer", data.token)
    else
      if data.what == "fault" then
        faults[#faults + 1] = data
      elseif data.what == "done" then
        done = done + 1
      end
      if open[data.number] then
        open[data.number] = nil
        alive = alive - 1
      end
    end
  end
  local missing = {}
  for number, ending in pairs(open) do
    missing[#missing + 1] = ending .. " " .. pids[number]
  end
  return { faults = faults, missing = missing, started = started, done = done }
end

return { main = main }
