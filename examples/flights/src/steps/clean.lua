-- Step 2: the clean records of a batch, and the rows that were turned away with the reason.

local disk = require("disk")
local funcs = require("funcs")

-- Rows carry no flight number, so two rows are the same flight only when they agree in everything.
local function identity(record)
  return table.concat({
    record.day,
    record.minute,
    record.origin,
    record.destination,
    record.delay,
    record.distance,
  }, " ")
end

local function main(batch, rows)
  local flights, rejected, seen = {}, {}, {}
  for number, row in ipairs(rows) do
    local record, err = funcs.call("flights:clean", row)
    if err then
      if not errors.is(err, errors.INVALID) then
        return nil, err
      end
      rejected[#rejected + 1] = { row = number, rule = err:details().rule, reason = err:message() }
    elseif seen[identity(record)] then
      rejected[#rejected + 1] =
        { row = number, rule = "duplicate", reason = "the row stands in the batch already" }
    else
      seen[identity(record)] = true
      flights[#flights + 1] = record
    end
  end
  disk.effect(batch, "clean")
  return { flights = flights, rejected = rejected }
end

return { main = main }
