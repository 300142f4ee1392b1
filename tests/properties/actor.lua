-- Runs its script, then waits for CANCEL or "finish". Tells the driver what it is about to do ("try"), how that went
-- ("ok", "no") and what it hears, so that nothing depends on its living to the end.
local time = require("time")

local function main(driver, slot, script, scripts, roots, pids)
  local function note(what, ...)
    process.send(driver, "note", { slot = slot, what = what, args = { ... } })
  end
  note("started", process.pid())
  if script.trap then
    process.set_options({ trap_links = true })
  end
  if not pids then
    pids = process.listen("pids"):receive()
  end
  local events, inbox = process.events(), process.inbox()
  local sent = {}

  local function attempt(op, to, fn, ...)
    note("try", op, to)
    local ok, err = fn(...)
    note(ok and "ok" or "no", op, to, err and err:message())
    return ok
  end

  local steps = {}
  function steps.send(to)
    sent[to] = (sent[to] or 0) + 1
    note("try", "send", to, sent[to])
    local ok = process.send(pids[to], "hello", { slot, sent[to] })
    note(ok and "ok" or "no", "send", to, sent[to])
  end
  function steps.sleep(to)
    time.sleep(to .. "ms")
  end
  function steps.spawn(to, how)
    -- Every slot has one parent only, so that it is filled once.
    to = slot * 2 + to % 2
    if to <= roots or pids[to] or not scripts[to] then
      return
    end
    note("try", how, to)
    local pid, err = process[how]("app:actor", "app:processes", driver, to, scripts[to], scripts, roots, pids)
    note(pid and "ok" or "no", how, to, err and err:message())
    pids[to] = pid
  end
  function steps.register(to)
    attempt("register", to, process.registry.register, "name" .. to)
  end
  function steps.unregister(to)
    attempt("unregister", to, process.registry.unregister, "name" .. to)
  end
  function steps.cancel(to)
    attempt("cancel", to, process.cancel, pids[to], "enough")
  end
  for _, op in ipairs({ "link", "unlink", "monitor", "unmonitor", "terminate" }) do
    steps[op] = function(to)
      attempt(op, to, process[op], pids[to])
    end
  end

  for _, step in ipairs(script.steps) do
    if step.op == "spawn" or pids[step.to] or step.op == "sleep" or step.op:find("register") then
      steps[step.op](step.to, step.how)
    end
  end
  if script.ending == "fail" then
    error("on purpose")
  elseif script.ending == "return" then
    return "done"
  end
  while true do
    local got = channel.select({ events:case_receive(), inbox:case_receive() })
    if got.channel == events then
      local event = got.value
      note("event", event.kind, event.from)
      if event.kind == process.event.CANCEL then
        return "cancelled"
      end
    elseif got.value:topic() == "finish" then
      return "finished"
    else
      local data = got.value:payload():data()
      note("heard", data[1], data[2])
    end
  end
end

return { main = main }
