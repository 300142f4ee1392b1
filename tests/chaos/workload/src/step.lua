-- A step with an effect on disk. Some attempts fail after their effect, and are tried again.
local activity = require("activity")
local fs = require("fs")
local json = require("json")
local uuid = require("uuid")

local function main(id, digest)
  local info = assert(activity.info())
  local value = uuid.v4()
  local line = json.encode({
    id = id,
    digest = digest,
    value = value,
    token = info.idempotency_token,
    attempt = info.attempt,
  }) .. "\n"
  assert(assert(fs.get("chaos:files")):writefile("effects.jsonl", line, "a"))
  if math.random(12) == 1 then
    error("this attempt fails")
  end
  return value
end

return { main = main }
