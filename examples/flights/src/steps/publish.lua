-- Step 6: tells the process of every airport what the batch adds to it. A process counts a batch
-- once, however often it is told, and one that is not there yet is started by the supervisor.

local ask = require("ask")
local disk = require("disk")

local function main(batch, airports)
  for code, figures in pairs(airports) do
    local sent, err = process.send("airport." .. code, "add", batch, figures)
    if not sent and errors.is(err, errors.NOT_FOUND) then
      local pid, ask_err = ask.one("totals", "airport?", "airport", code)
      if not pid then
        return nil, ask_err
      end
      sent, err = process.send(pid, "add", batch, figures)
    end
    if not sent then
      return nil, errors.new({ message = err:message(), kind = err:kind(), retryable = true })
    end
  end
  disk.effect(batch, "publish")
end

return { main = main }
