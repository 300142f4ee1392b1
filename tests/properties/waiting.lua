-- A process that waits in the ways that its seed chooses, one after another, and ends in one of them. It tells the
-- driver when it was woken by anything that it had not asked for. Most of these run on the coroutine of one before.
local funcs = require("funcs")
local time = require("time")

local MILLISECOND <const> = 1000000

local function main()
  local inbox, events = process.inbox(), process.events()
  local order = inbox:receive():payload():data()
  local driver, me, state = order.driver, process.pid(), order.seed
  local drawn = 0

  local function random(n)
    state = (state * 1103515245 + 12345) & 0x7fffffff
    return (state >> 12) % n
  end
  local function token()
    drawn = drawn + 1
    return me .. drawn
  end
  local function note(what, ...)
    process.send(driver, "note", { number = order.number, what = what, args = { ... } })
  end
  local step = "start"
  local function check(ok, ...)
    if not ok then
      note("fault", step, ...)
      error("fault at " .. step)
    end
  end
  local function since(start)
    return time.now():unix_nano() - start
  end
  local function some_time()
    return (random(4) + 1) * MILLISECOND
  end

  -- What the driver still owes: it answers in order.
  local owed = {}
  local function ask()
    local own = token()
    owed[#owed + 1] = own
    process.send(driver, "ask", { pid = me, token = own })
  end
  local function answered(message)
    check(message ~= nil, "no message")
    local got, wanted = message:payload():data(), table.remove(owed, 1)
    check(got == wanted, got, wanted)
  end

  local ways = {}
  function ways.sleep()
    local start, wanted = time.now():unix_nano(), some_time()
    local n = select("#", time.sleep(wanted))
    check(n == 0 and since(start) >= wanted, n, since(start), wanted)
  end
  function ways.mail()
    ask()
    while #owed > 0 do
      answered((inbox:receive()))
    end
  end
  function ways.select()
    local start, wanted = time.now():unix_nano(), some_time()
    local late, never = time.after(wanted), channel.new(0)
    if random(2) == 0 then
      ask()
    end
    local got = channel.select({ inbox:case_receive(), never:case_receive(), late:case_receive(), never:case_send(1) })
    check(got ~= nil and got.ok, "nothing")
    if got.channel == inbox then
      answered(got.value)
    else
      check(got.channel == late and since(start) >= wanted, since(start), wanted)
    end
  end
  function ways.timers()
    -- They fire when this process is long over, or are stopped.
    local timer = time.timer(some_time())
    time.after(some_time() * 5)
    if random(2) == 0 then
      timer:stop()
    end
  end
  function ways.lookup()
    local pid, err = process.registry.lookup("nobody" .. token())
    check(pid == nil and err:kind() == "NotFound", pid, err and err:kind())
  end
  function ways.call()
    local own = token()
    local value, err = funcs.call("app:echo", own, random(3))
    check(value == own, value, err and err:message(), own)
  end
  function ways.async()
    local own = token()
    local future = funcs.async("app:echo", own, random(3))
    local what = random(3)
    if what == 0 then
      local got = future:response():receive()
      check(got and got:data() == own, got and got:data(), own)
    elseif what == 1 then
      future:cancel()
    end
  end
  function ways.exec()
    local own = token()
    local value, err = process.exec("app:brief", "app:processes", own)
    check(value == own, value, err and err:message(), own)
  end
  function ways.monitor()
    local pid = process.spawn_monitored("app:brief", "app:processes", token())
    local event
    repeat
      event = events:receive()
    until not event or event.kind ~= process.event.CANCEL
    check(event and event.kind == process.event.EXIT and event.from == pid, event and event.from, pid)
  end
  function ways.channels()
    local ch, own = channel.new(random(2)), token()
    coroutine.spawn(function()
      time.sleep(some_time())
      ch:send(own)
    end)
    local got = ch:receive()
    check(got == own, got, own)
  end

  local names = {}
  for name in pairs(ways) do
    names[#names + 1] = name
  end
  table.sort(names)

  -- Waits where nothing may: in a comparator.
  function ways.nowhere()
    local ch = channel.new(0)
    local waits = {
      function()
        time.sleep(some_time())
      end,
      function()
        inbox:receive()
      end,
      function()
        ch:send(1)
      end,
      function()
        channel.select({ inbox:case_receive(), time.after(some_time()):case_receive() })
      end,
      function()
        process.registry.lookup("nobody")
      end,
      function()
        process.exec("app:brief", "app:processes", 1)
      end,
      function()
        coroutine.spawn(function() end)
      end,
      function()
        coroutine.wrap(time.sleep)(some_time())
      end,
      function()
        funcs.call("app:echo", 1, 1)
      end,
    }
    local ok, message = pcall(table.sort, { 2, 1 }, waits[random(#waits) + 1])
    check(not ok and tostring(message):find("C%-call boundary"), ok, tostring(message))
  end
  -- Starts an entry whose body waits, which it may not.
  function ways.body()
    check(process.spawn("app:restless", "app:processes"), "not started")
  end
  names[#names + 1] = "nowhere"
  names[#names + 1] = "nowhere"
  names[#names + 1] = "body"

  for _ = 1, random(4) do
    step = names[random(#names) + 1]
    ways[step]()
  end
  step = "end"
  while #owed > 0 do
    answered((inbox:receive()))
  end
  if order.ending == "error" then
    note("ends")
    error("on purpose")
  elseif order.ending == "linked" then
    note("ends")
    process.spawn_linked("app:brittle", "app:processes")
    time.sleep("1h")
  elseif order.ending == "wait" then
    note("ends")
    time.sleep("1h")
  end
  note("done")
end

return { main = main }
