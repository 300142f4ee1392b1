-- Questions to the processes, each with a deadline.

local time = require("time")

local DEADLINE = "10s"

local function unavailable(message)
  return errors.new({ message = message, kind = errors.UNAVAILABLE, retryable = true })
end

local ask = {}

-- Sends `question` with the arguments to a PID or name, and waits for one message under `answer`.
function ask.one(target, question, answer, ...)
  local replies = process.listen(answer)
  local sent, err = process.send(target, question, ...)
  if not sent then
    process.unlisten(replies)
    return nil, unavailable("ask " .. target .. ": " .. err:message())
  end
  local late = time.after(DEADLINE)
  local got = channel.select({ replies:case_receive(), late:case_receive() })
  process.unlisten(replies)
  if got.channel == late then
    return nil, unavailable(target .. " does not answer")
  end
  return got.value
end

-- Waits until the supervisor is there: services start beside the command, not before it.
function ask.ready()
  for _ = 1, 300 do
    if process.registry.lookup("totals") then
      return true
    end
    time.sleep("100ms")
  end
  return nil, unavailable("the supervisor of the airports does not start")
end

-- The totals of one airport: { airport =, batches =, figures = }.
function ask.totals(code)
  return ask.one("airport." .. code, "totals?", "totals")
end

-- The totals of all airports, sorted by code. All are asked at once.
function ask.all_totals()
  local codes, err = ask.one("totals", "airports?", "airports")
  if not codes then
    return nil, err
  end
  local replies = process.listen("totals")
  local late = time.after(DEADLINE)
  for _, code in ipairs(codes) do
    local sent, send_err = process.send("airport." .. code, "totals?")
    if not sent then
      process.unlisten(replies)
      return nil, unavailable(code .. ": " .. send_err:message())
    end
  end
  local totals = {}
  while #totals < #codes do
    local got = channel.select({ replies:case_receive(), late:case_receive() })
    if got.channel == late then
      process.unlisten(replies)
      return nil, unavailable(#codes - #totals .. " airports do not answer")
    end
    totals[#totals + 1] = got.value
  end
  process.unlisten(replies)
  table.sort(totals, function(a, b)
    return a.airport < b.airport
  end)
  return totals
end

return ask
