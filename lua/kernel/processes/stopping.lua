-- How the processes of a host, or of all hosts, are asked to stop.
local use = ...
local processes = use("kernel/processes/processes")
local room = use("kernel/processes/room")
local unit = use("kernel/core/unit")

local stopping = {}

local function lives_on(pid, host_id)
  return pid:sub(2, #host_id + 2) == host_id .. "|"
end

--- Asks every process of a host (all hosts when nil) to stop: a CANCEL event each. Returns how many there are. Where
--- memory is short, those do without that have never looked at their events: half as much again as a process takes.
function stopping.cancel_all(host_id, reason)
  local pids = {}
  for pid, self in pairs(unit.by_pid) do
    if self.context.kind == "process" and (host_id == nil or lives_on(pid, host_id)) then
      pids[#pids + 1] = pid
    end
  end
  table.sort(pids)
  for _, pid in ipairs(pids) do
    if unit.by_pid[pid].events_opened or not room.is_short() then
      processes.operations.cancel(pid, "{|}", reason)
    end
  end
  return #pids
end

--- How many processes of a host would still react to their CANCEL event: those that opened their events, and those
--- that have a call or a host operation under way.
function stopping.count(host_id)
  local n = 0
  for pid, self in pairs(unit.by_pid) do
    if self.context.kind == "process" and lives_on(pid, host_id) then
      local busy = (self.calls and next(self.calls)) or self.host_work
      if busy or (self.events and self.events_opened) then
        n = n + 1
      end
    end
  end
  return n
end

return stopping
