-- Starts the jobs, or joins those that an earlier start left, and writes what they saw.
local fs = require("fs")
local json = require("json")

local function main(jobs, rounds)
  local events, waiting, results = process.events(), {}, {}
  for i = 1, math.tointeger(tonumber(jobs)) do
    local name = "job-" .. i
    local pid, err = process
      .with_options({
        ["workflow.id"] = name,
        ["workflow.id_reuse_policy"] = "reject_duplicate",
      })
      :spawn_monitored("chaos:job", "chaos:durable", name, math.tointeger(tonumber(rounds)))
    if not pid then
      return nil, err
    end
    waiting[pid] = name
  end
  while next(waiting) do
    local event = events:receive()
    if event.kind == process.event.CANCEL then
      return 1
    elseif event.result.error then
      return nil, event.result.error
    end
    results[waiting[event.from]] = event.result.value
    waiting[event.from] = nil
  end
  assert(assert(fs.get("chaos:files")):writefile("results.json", json.encode(results)))
  return 0
end

return { main = main }
