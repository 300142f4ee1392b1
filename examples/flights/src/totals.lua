-- The supervisor of the airports: one process an airport, started when it is first asked for,
-- started again when it fails.
--
--   airport?  code   answers "airport" with the PID of that airport's process
--   airports?        answers "airports" with the sorted codes
--
-- A restarted process gets its state from the reports on disk, which are written before any
-- process hears of them: what was in its mailbox is there too. More than MOST restarts within
-- PERIOD mean that restarting does not help: then the supervisor fails itself, and its service
-- starts it anew with everything below it.

local funcs = require("funcs")
local logger = require("logger")
local time = require("time")

local MOST = 5
local PERIOD = 10 -- seconds

-- Raises text in place of the error object: that one may say that it is not worth a retry, and then
-- the service would not start the supervisor again.
local function must(value, err)
  if err then
    error(tostring(err))
  end
  return value
end

local function main()
  process.set_options({ trap_links = true })
  local events, inbox = process.events(), process.inbox()
  local pids, codes = {}, {} -- code -> PID, PID -> code
  local restarts = {} -- when, in Unix seconds

  local function start(code, batches)
    local pid =
      must(process.spawn_linked_monitored("flights:airport", "flights:processes", code, batches))
    must(process.registry.register("airport." .. code, pid))
    pids[code], codes[pid] = pid, code
    return pid
  end

  local function history(code)
    return must(funcs.call("flights:history", code))
  end

  local function restart(code, cause)
    logger:warn("airport failed", { airport = code, error = cause:message() })
    local now = time.now():unix()
    restarts[#restarts + 1] = now
    if #restarts > MOST and now - restarts[#restarts - MOST] <= PERIOD then
      error("airports fail too often, the last one: " .. code .. ": " .. cause:message())
    end
    start(code, history(code)[code] or {})
  end

  for code, batches in pairs(history()) do
    start(code, batches)
  end
  -- The name comes last: whoever finds it finds all airports.
  must(process.registry.register("totals"))

  while true do
    local got = channel.select({ events:case_receive(), inbox:case_receive() })
    if got.channel == inbox then
      local message = got.value
      if message:topic() == "airport?" then
        local code = message:payload():data()
        process.send(message:from(), "airport", pids[code] or start(code, {}))
      elseif message:topic() == "airports?" then
        local list = {}
        for code in pairs(pids) do
          list[#list + 1] = code
        end
        table.sort(list)
        process.send(message:from(), "airports", list)
      end
    elseif got.value.kind == process.event.CANCEL then
      for pid in pairs(codes) do
        process.cancel(pid, "supervisor stopping")
      end
      return
    elseif got.value.kind == process.event.EXIT then
      local code, cause = codes[got.value.from], got.value.result.error
      if code then
        codes[got.value.from], pids[code] = nil, nil
        if cause then
          restart(code, cause)
        end
      end
    end -- LINK_DOWN tells of the same death; EXIT has dealt with it
  end
end

return { main = main }
