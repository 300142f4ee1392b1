-- Starts the jobs, or joins those that an earlier start left, updates some of them, and writes what they saw.
local fs = require("fs")
local json = require("json")
local time = require("time")
local workflow = require("workflow")

-- While the journal cannot be written, calls are Unavailable.
local function patiently(call)
  local value, err = call()
  while not value and err:kind() == "Unavailable" do
    time.sleep("5ms")
    value, err = call()
  end
  return value, err
end

-- Every start sends the same updates again: each must happen once.
local function mark(pid, rounds)
  for i = 1, rounds do
    local id = "mark-" .. i
    local times = assert(patiently(function()
      return workflow.update_with({ id = id }, pid, "mark", id)
    end))
    assert(times == 1, id .. " happened " .. times .. " times")
  end
end

--- @param plan table a list of {name, entry, args}
local function main(plan)
  local events, waiting, results = process.events(), {}, {}
  for _, job in ipairs(json.decode(plan)) do
    local builder = process.with_options({
      ["workflow.id"] = job.name,
      ["workflow.id_reuse_policy"] = "reject_duplicate",
    })
    local pid, err = patiently(function()
      return builder:spawn_monitored(
        "chaos:" .. job.entry,
        "chaos:durable",
        job.name,
        table.unpack(job.args)
      )
    end)
    if not pid then
      return nil, err
    end
    waiting[pid] = job
    if job.entry == "job" then
      coroutine.spawn(function()
        mark(pid, job.args[1])
      end)
    end
  end
  while next(waiting) do
    local event = events:receive()
    if event.kind == process.event.CANCEL then
      return 1
    elseif event.result.error then
      return nil, event.result.error
    end
    local job = waiting[event.from]
    results[job.name] = event.result.value
    if job.entry == "job" then
      results[job.name].asked = assert(patiently(function()
        return workflow.query(event.from, "marks")
      end))
    end
    waiting[event.from] = nil
  end
  assert(assert(fs.get("chaos:files")):writefile("results.json", json.encode(results)))
  return 0
end

return { main = main }
