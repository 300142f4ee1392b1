-- Step 5: the line in the manifest that makes the report count.

local disk = require("disk")

local function main(batch, flights, rejected)
  disk.record(batch, flights, rejected)
  disk.effect(batch, "record")
end

return { main = main }
