-- Step 4: the report as a file. Done twice, it writes the same bytes to the same place.

local disk = require("disk")

local function main(batch, report)
  disk.write_report(batch, report)
  disk.effect(batch, "write")
end

return { main = main }
