-- `wippy run scale FIGURE COUNT` prints one JSON object of numbers. bench/kernel/beam.erl does the same in Erlang.

local io = require("io")
local json = require("json")
local supervisor = require("supervisor")
local time = require("time")

local HOST = "bench:processes"

local function seconds_since(began)
  return time.now():sub(began):seconds()
end

local function receive_all(inbox, count)
  for _ = 1, count do
    inbox:receive()
  end
end

local figures = {}

-- A population that lives at once: to start all, to send each one message and hear from each, to stop all.
function figures.population(count)
  local inbox, pids = process.inbox(), {}
  local began = time.now()
  for i = 1, count do
    pids[i] = assert(process.spawn("bench:echo", HOST))
  end
  local spawned = seconds_since(began)
  began = time.now()
  for i = 1, count do
    process.send(pids[i], "ping", i)
  end
  receive_all(inbox, count)
  local messaged = seconds_since(began)
  began = time.now()
  for i = 1, count do
    process.send(pids[i], "stop")
  end
  receive_all(inbox, count)
  return { spawn = count / spawned, message = count / messaged, stop = count / seconds_since(began) }
end

-- A permanent child that ends as soon as it is told to, again and again: from one that is up to the next.
function figures.restarts(count)
  local inbox = process.inbox()
  assert(supervisor.start(HOST, {
    strategy = "one_for_one",
    intensity = 1000000000,
    period = "1s",
    children = { { id = "mortal", process = "bench:mortal", input = { process.pid() } } },
  }))
  local function restart(n)
    for _ = 1, n do
      process.send(inbox:receive():from(), "end")
    end
  end
  restart(count // 10)
  local began = time.now()
  restart(count)
  return { rate = count / seconds_since(began) }
end

-- One token through a ring of processes, round after round.
function figures.ring(count)
  local size = 10000
  local inbox = process.inbox()
  local next_pid = process.pid()
  for _ = 1, size - 1 do
    next_pid = assert(process.spawn("bench:link", HOST, next_pid))
  end
  local rounds = math.max(1, count // size)
  local function turn(n)
    for round = 1, n do
      process.send(next_pid, "token", round)
      inbox:receive()
    end
  end
  turn(1)
  local began = time.now()
  turn(rounds)
  return { rate = rounds * size / seconds_since(began) }
end

-- Many senders, one receiver.
function figures.fan_in(count)
  local inbox, each = process.inbox(), 100
  local senders = count // each
  local began = time.now()
  for _ = 1, senders do
    assert(process.spawn("bench:sender", HOST, process.pid(), each))
  end
  receive_all(inbox, senders * each)
  return { rate = senders * each / seconds_since(began) }
end

-- One sender, a thousand receivers which answer once they have read all.
function figures.fan_out(count)
  local receivers, done = 1000, process.listen("done")
  local each, pids = count // receivers, {}
  for i = 1, receivers do
    pids[i] = assert(process.spawn("bench:sink", HOST, each, process.pid()))
  end
  local began = time.now()
  for round = 1, each do
    for i = 1, receivers do
      process.send(pids[i], "data", round)
    end
  end
  for _ = 1, receivers do
    done:receive()
  end
  return { rate = each * receivers / seconds_since(began) }
end

-- Processes with a ticker of one second each, for ten seconds: the ticks that arrived to those that were due.
function figures.tickers(count)
  local inbox = process.inbox()
  local began = time.now()
  for _ = 1, count do
    assert(process.spawn("bench:ticking", HOST, process.pid()))
  end
  local spawned = seconds_since(began)
  local ticks = 0
  for _ = 1, count do
    ticks = ticks + inbox:receive():payload():data()
  end
  return { spawn = count / spawned, ticks = ticks / (count * 10) }
end

-- How late a process that sleeps 1 ms wakes, beside endless loops on the same worker: percentiles in ms.
function figures.latency(count)
  for _ = 1, 4 do
    assert(process.spawn("bench:loop", HOST))
  end
  local delays = {}
  for i = 1, count do
    local began = time.now()
    time.sleep("1ms")
    delays[i] = seconds_since(began) * 1000 - 1
  end
  table.sort(delays)
  local function percentile(p)
    return delays[math.max(1, math.ceil(count * p))]
  end
  return { p50 = percentile(0.5), p99 = percentile(0.99), p999 = percentile(0.999) }
end

local function worker_of(pid)
  return tonumber(pid:match("|(.+)}$")) & 63
end

-- Processes that send back, on another worker than this one; there is one once enough live on this.
local function echoes_elsewhere(count)
  local mine, found = worker_of(process.pid()), {}
  for _ = 1, 1000 do
    assert(process.spawn("bench:idle", HOST))
  end
  while #found < count do
    local pid = assert(process.spawn("bench:echo", HOST))
    if worker_of(pid) ~= mine then
      found[#found + 1] = pid
    end
    time.sleep("1ms")
  end
  return found
end

-- Round trips to a process on another worker: one at a time, and with a hundred under way.
function figures.across(count)
  local inbox = process.inbox()
  local echoes = echoes_elsewhere(100)
  local function alone(n)
    for round = 1, n do
      process.send(echoes[1], "ping", round)
      inbox:receive()
    end
  end
  local function together(n)
    for _ = 1, n // 100 do
      for i = 1, 100 do
        process.send(echoes[i], "ping", i)
      end
      receive_all(inbox, 100)
    end
  end
  local result = {}
  for name, run in pairs({ alone = alone, together = together }) do
    local n = name == "alone" and count // 10 or count
    run(n // 3)
    local began = time.now()
    run(n)
    result[name] = n / seconds_since(began)
  end
  return result
end

local function main()
  local name, count = io.args()[1], math.tointeger(tonumber(io.args()[2]))
  local figure = figures[name]
  if not figure or not count or count < 1 then
    return nil, "scale FIGURE COUNT, with a figure of this file"
  end
  io.print((json.encode(figure(count))))
end

return { main = main }
