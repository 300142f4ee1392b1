-- The running totals of one airport. Told the same batch twice, it counts it once.
--
--   add      batch, figures   counts a batch
--   totals?                   answers "totals" to the sender
--
-- The process keeps nothing on disk: when it fails, the supervisor starts it again with what the
-- reports say (`flights:history`). So it has no code for broken messages; it fails and comes back.

local figures = require("figures")

local function main(code, batches)
  local counted = {}
  local number, sums = 0, figures.none()

  local function count(batch, more)
    if counted[batch] then
      return
    end
    sums = figures.sum(sums, more)
    counted[batch] = true
    number = number + 1
  end
  for batch, more in pairs(batches) do
    count(batch, more)
  end

  local events, inbox = process.events(), process.inbox()
  while true do
    local got = channel.select({ events:case_receive(), inbox:case_receive() })
    if got.channel == events then
      if got.value.kind == process.event.CANCEL then
        return
      end
    else
      local message = got.value
      if message:topic() == "add" then
        local batch, more = message:payload()[1]:data(), message:payload()[2]:data()
        count(batch, more)
      elseif message:topic() == "totals?" then
        process.send(message:from(), "totals", { airport = code, batches = number, figures = sums })
      end
    end
  end
end

return { main = main }
