-- A longer activity: goes on where the heartbeats of the attempt before came to. Its first attempt fails half-way.
local activity = require("activity")
local fs = require("fs")
local json = require("json")
local uuid = require("uuid")

local function main(id, rows)
  local info = assert(activity.info())
  local value = uuid.v4()
  local files = assert(fs.get("chaos:files"))
  for row = (activity.heartbeat_details() or 0) + 1, rows do
    local line = json.encode({
      id = id .. "/" .. row,
      digest = 0,
      value = value,
      token = info.idempotency_token,
      attempt = info.attempt,
    }) .. "\n"
    assert(files:writefile("effects.jsonl", line, "a"))
    assert(activity.heartbeat(row))
    if row == 2 and info.attempt == 1 then
      error("the line is down")
    end
  end
  return value
end

return { main = main }
