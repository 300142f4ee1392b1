-- Step 1: the rows of a batch, as they came.

local disk = require("disk")

local function main(batch)
  local rows = disk.read_batch(batch)
  disk.effect(batch, "load")
  return rows
end

return { main = main }
