local time = require("time")

local function rest()
  time.sleep("50ms")
end

-- So many units that another worker starts.
local function main()
  for _ = 1, 100 do
    assert(process.spawn("net:idler", "net:processes"))
  end
end

return { main = main, rest = rest }
