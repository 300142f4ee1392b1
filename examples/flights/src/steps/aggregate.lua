-- Step 3: the report itself, still in memory.

local disk = require("disk")
local figures = require("figures")

local function main(batch, sorted)
  local report = {
    batch = batch,
    flights = #sorted.flights,
    rejected = sorted.rejected,
    airports = figures.by_airport(sorted.flights),
  }
  disk.effect(batch, "aggregate")
  return report
end

return { main = main }
