-- A local activity: an effect on disk, recorded with the task that asked for it.
local fs = require("fs")
local json = require("json")
local uuid = require("uuid")

local function main(id, digest)
  local value = uuid.v4()
  local line = json.encode({ id = id, digest = digest, value = value }) .. "\n"
  assert(assert(fs.get("chaos:files")):writefile("effects.jsonl", line, "a"))
  if math.random(12) == 1 then
    error("this attempt fails")
  end
  return value
end

return { main = main }
