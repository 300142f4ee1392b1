-- Starts workers, sends to them, ends them in every way, and keeps account: each monitored worker must be reported
-- ended exactly once. Returns what it counted and whatever was wrong.
local supervisor = require("supervisor")
local time = require("time")

local HOST = "soak:processes"
local POPULATION = 40

local state
-- A generator of its own: the same seed makes the same choices.
local function random(n)
  state = (state * 6364136223846793005 + 1442695040888963407) & 0x7fffffffffffffff
  return (state >> 24) % n + 1
end

local function main(seconds, seed)
  state = seed
  process.set_options({ trap_links = true })
  local events = process.events()
  local alive, list, numbers = {}, {}, {}
  local report = { spawned = 0, ended = 0, messages = 0, refused = 0, restarts = 0, wrong = {} }

  local function wrong(what)
    if #report.wrong < 20 then
      report.wrong[#report.wrong + 1] = what
    end
  end

  local sup = supervisor.start_link(HOST, {
    intensity = 1000000,
    children = {
      { id = "a", process = "soak:child", shutdown = "100ms" },
      { id = "b", process = "soak:child", shutdown = "100ms" },
    },
  })

  local function start()
    -- Linked too: those of a driver that dies with its worker die with it.
    local pid = process.spawn_linked_monitored("soak:worker", HOST)
    if pid then
      report.spawned = report.spawned + 1
      alive[pid], numbers[pid] = true, 0
      list[#list + 1] = pid
    end
  end

  local function take(event)
    if event.kind == process.event.EXIT then
      report.ended = report.ended + 1
      local err = event.result.error
      if not alive[event.from] then
        wrong("an end that nobody waits for: " .. event.from)
      elseif err and err:message():find("out of order") then
        wrong(err:message())
      end
      alive[event.from], numbers[event.from] = nil, nil
    elseif event.from == sup then
      sup = nil
    end
  end

  local function drain()
    while true do
      local result = channel.select({ events:case_receive(), default = true })
      if result.default then
        return
      end
      take(result.value)
    end
  end

  local function act(pid)
    local what = random(20)
    if what <= 14 then
      numbers[pid] = numbers[pid] + 1
      local ok = process.send(pid, "work", { n = numbers[pid] })
      report.messages = report.messages + 1
      if not ok then
        report.refused = report.refused + 1
      end
    elseif what == 15 then
      process.send(pid, "work", "fail")
    elseif what == 16 then
      process.terminate(pid)
    elseif what == 17 then
      process.send(pid, "work", "end")
    elseif what == 18 then
      process.cancel(pid)
    elseif what == 19 then
      process.link(pid)
    elseif sup then
      local children = supervisor.which_children(sup, nil, "1s")
      local child = children and children[random(#children)]
      if child and child.pid then
        report.restarts = report.restarts + 1
        process.terminate(child.pid)
      end
    end
  end

  local over = time.now():add(seconds .. "s")
  while time.now():before(over) do
    for _ = 1, 50 do
      while #list < POPULATION do
        local before = #list
        start()
        if #list == before then
          break
        end
      end
      local at = random(math.max(1, #list))
      local pid = list[at]
      if pid and alive[pid] then
        act(pid)
      elseif pid then
        list[at] = list[#list]
        list[#list] = nil
      end
    end
    drain()
    time.sleep("1ms")
  end

  for pid in pairs(alive) do
    process.send(pid, "work", "end")
  end
  local patience = time.after("10s")
  while next(alive) do
    local result = channel.select({ events:case_receive(), patience:case_receive() })
    if result.channel == patience then
      break
    end
    take(result.value)
  end
  for pid in pairs(alive) do
    wrong("no end was reported of " .. pid)
  end
  if sup then
    supervisor.stop(sup)
  end
  return report
end

return { main = main }
