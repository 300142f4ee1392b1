-- `wippy run report`: one durable run a batch, a few at a time, then the totals.
--
-- A run has the id of its batch. So this command can be killed and started at any time: a run that
-- is open is joined, one that has ended well is not made again, one that failed is.

local ask = require("ask")
local board = require("board")
local disk = require("disk")
local funcs = require("funcs")
local io = require("io")
local time = require("time")

local AT_ONCE = 8

local function run(batch)
  return process
    .with_options({
      ["workflow.id"] = "report-" .. batch,
      ["workflow.id_conflict_policy"] = "use_existing",
      ["workflow.id_reuse_policy"] = "allow_duplicate_failed_only",
    })
    :spawn_monitored("flights:report", "flights:durable", batch)
end

local function main()
  local began = time.now()
  local index, err = funcs.call("flights:split")
  if err then
    return nil, err
  end
  local ready, ready_err = ask.ready()
  if not ready then
    return nil, ready_err
  end

  local rows = 0
  for _, entry in ipairs(index) do
    rows = rows + entry.rows
  end
  io.print(
    string.format(
      "%d rows in %d batches; %d reports are on disk already",
      rows,
      #index,
      #disk.recorded()
    )
  )

  local events = process.events()
  local open, started, finished, failed = {}, 0, 0, {}
  local every = math.max(1, #index // 9)
  while finished + #failed < #index do
    while started < #index and started - finished - #failed < AT_ONCE do
      started = started + 1
      local pid, spawn_err = run(index[started].batch)
      if not pid then
        return nil, spawn_err
      end
      open[pid] = index[started].batch
    end
    local event = events:receive()
    if event.kind == process.event.CANCEL then
      return nil,
        errors.new({
          message = "stopped; the reports that are open go on at the next start",
          kind = errors.CANCELED,
        })
    end
    local batch = open[event.from]
    if event.kind == process.event.EXIT and batch then
      open[event.from] = nil
      if event.result.error then
        failed[#failed + 1] = batch .. ": " .. event.result.error:message()
      else
        finished = finished + 1
        if finished % every == 0 or finished == #index then
          io.print(string.format("  %3d of %d reports are complete", finished, #index))
        end
      end
    end
  end
  if #failed > 0 then
    return nil, #failed .. " reports failed:\n  " .. table.concat(failed, "\n  ")
  end

  local totals, totals_err = ask.all_totals()
  if not totals then
    return nil, totals_err
  end
  io.print(string.format("done in %.1f s", time.now():sub(began):seconds()))
  board.print(totals, 10)
end

return { main = main }
