-- The command: a process that has a terminal.
local funcs = require("funcs")
local io = require("io")

local function main(name)
  name = name or "world"

  local greeting, err = funcs.call("hello:greet", name)
  if err then
    return nil, err
  end
  io.print("function: " .. greeting)

  local counter = assert(process.spawn("hello:counter", "hello:processes"))
  local counts = process.listen("count")
  for _ = 1, 3 do
    process.send(counter, "greeted", name)
    io.print("process:  greeted " .. name .. " " .. counts:receive() .. " times")
  end
  process.cancel(counter)

  -- One run per name: a second start joins the run that is still open.
  local events = process.events()
  local welcome, start_err = process
    .with_options({ ["workflow.id"] = "welcome-" .. name })
    :spawn_monitored("hello:welcome", "hello:durable", name)
  if not welcome then
    return nil, start_err
  end
  io.print("workflow: started; kill me now and start me again")
  local event = events:receive()
  if event.kind == process.event.CANCEL then
    return -- asked to stop; the run stays open
  end
  if event.result.error then
    return nil, event.result.error
  end
  io.print("workflow: " .. event.result.value)
end

return { main = main }
