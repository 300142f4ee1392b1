-- What units measure, on its way to the node: batches of samples, and never more of them than the buffer takes.
local use = ...
local scheduler = use("kernel/core/scheduler")
local unit = use("kernel/core/unit")

local measures = {}

-- A batch goes when it is full, or when its first sample is that old (ns).
local BATCH <const>, PAUSE <const> = 100, 100000000

-- Bytes of a name and its labels.
local LONGEST <const> = 4096

-- Samples that may wait here or be on their way.
local limit = 10000
local waiting, on_the_way, lost, due = {}, 0, 0, false

local function send()
  local batch = waiting
  local count = #batch
  if count == 0 and lost == 0 then
    return
  end
  local ticket = unit.ticket(function()
    on_the_way = on_the_way - count
  end)
  host.emit("route", -1, ticket, "measures.take", { samples = batch, lost = lost })
  waiting, on_the_way, lost = {}, on_the_way + count, 0
end

local function send_soon()
  if due then
    return
  end
  due = true
  scheduler.at(host.now() + PAUSE, {
    fire = function()
      due = false
      send()
    end,
  })
end

local function is_long(name, labels)
  local bytes = #name
  for label, value in pairs(labels) do
    bytes = bytes + #label + #value
  end
  return bytes > LONGEST
end

--- Passes a sample on; one that is too long, or that the buffer has no room for, is only counted. `kind`: counter,
--- gauge, change or histogram.
function measures.add(kind, name, value, labels)
  local count = #waiting
  if count + on_the_way >= limit or is_long(name, labels) then
    lost = lost + 1
    return send_soon()
  end
  waiting[count + 1] = { kind = kind, name = name, value = value, labels = labels }
  if count + 1 >= BATCH then
    send()
  else
    send_soon()
  end
end

--- What the node asks of this worker; see kernel/processes/requests. `measure` sets how many samples the buffer takes.
measures.operations = {
  measure = function(most)
    limit = most
  end,
}

return measures
