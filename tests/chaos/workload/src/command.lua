-- Starts the jobs, or joins those that an earlier start left, updates them, and writes what they saw.
local fs = require("fs")
local json = require("json")
local workflow = require("workflow")

-- Every start sends the same updates again: each must happen once.
local function mark(pid, rounds)
  for i = 1, rounds do
    local id = "mark-" .. i
    local times = assert(workflow.update_with({ id = id }, pid, "mark", id))
    assert(times == 1, id .. " happened " .. times .. " times")
  end
end

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
    coroutine.spawn(function()
      mark(pid, math.tointeger(tonumber(rounds)))
    end)
  end
  while next(waiting) do
    local event = events:receive()
    if event.kind == process.event.CANCEL then
      return 1
    elseif event.result.error then
      return nil, event.result.error
    end
    results[waiting[event.from]] = event.result.value
    event.result.value.asked = assert(workflow.query(event.from, "marks"))
    waiting[event.from] = nil
  end
  assert(assert(fs.get("chaos:files")):writefile("results.json", json.encode(results)))
  return 0
end

return { main = main }
