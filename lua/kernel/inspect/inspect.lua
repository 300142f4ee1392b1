-- What tools may see of this worker's units: pages of a list, and a stream of starts and ends while somebody listens.
local use = ...
local limits = use("kernel/processes/limits")
local scheduler = use("kernel/core/scheduler")
local unit = use("kernel/core/unit")
local weigh = use("kernel/inspect/weigh")
local by_pid = unit.by_pid

local inspect = {}

-- Lists that pages are taken from: the PIDs of the moment at which the first page was asked for. The last few are kept.
local KEPT <const> = 8
local lists, last_list = {}, 0

local function keys(set, most)
  local list, count = {}, 0
  for key in pairs(set or {}) do
    count = count + 1
    if count <= most then
      list[count] = key
    end
  end
  table.sort(list)
  return list, count
end

-- The fuel that a unit has burnt so far.
local function fuel_of(self)
  local fuel = (self.fuel or 0) + host.burnt(self.main)
  for co in pairs(self.others or {}) do
    fuel = fuel + host.burnt(co)
  end
  self.fuel = fuel
  return fuel
end

local function row_of(self, ready)
  local links, link_count = keys(self.links, 20)
  local _, monitor_count = keys(self.monitors, 0)
  local _, watching_count = keys(self.watching, 0)
  local actor = self.frame and self.frame.actor
  return {
    pid = self.pid,
    entry = self.entry.id,
    kind = self.context.kind,
    parent = self.parent or nil,
    state = ready[self] and "ready" or (self.calls and next(self.calls)) and "blocked" or "waiting",
    mailbox = limits.waiting(self) + (self.events and limits.length(self.events) or 0),
    links = links,
    link_count = link_count,
    monitored_by = monitor_count,
    monitoring = watching_count,
    trap_links = self.trap_links == true,
    supervises = self.supervises or nil,
    steps = self.steps or 0,
    fuel = fuel_of(self),
    started = self.started or nil,
    actor = actor and actor.id,
  }
end

-- A new list of the units that the query wants, in no order.
local function collect(query)
  local pids = {}
  -- One unit is looked up: tools ask for single ones often, and there may be a million.
  local wanted = query.pid and { [query.pid] = by_pid[query.pid] } or by_pid
  local prefix = query.host and "{" .. query.host .. "|"
  for pid, self in pairs(wanted) do
    if
      (not prefix or pid:sub(1, #prefix) == prefix)
      and (not query.entry or self.entry.id == query.entry)
    then
      pids[#pids + 1] = pid
    end
  end
  return pids
end

-- Keeps a list of which there is more to take. One that fits a page, such as that of a single unit, must not push out a
-- list that somebody reads: tools ask for a thousand single units between two pages.
local function keep(pids)
  last_list = last_list + 1
  lists[last_list] = pids
  lists[last_list - KEPT] = nil
  return last_list
end

--- A page of the units of this worker: { units, next }, where `next` is nil at the end. `query` may hold host, entry,
--- pid, limit, and `after`, the `next` of the page before. Units that ended meanwhile are left out; new ones are not
--- in it.
function inspect.units(query)
  local list, position, pids
  if query.after then
    list, position = query.after:match("^(%d+)%.(%d+)$")
    list, position = tonumber(list), tonumber(position)
    pids = lists[list]
    if not pids then
      return { units = {}, expired = true }
    end
  else
    position = 0
    pids = collect(query)
  end
  local ready = scheduler.ready_units()
  local units, limit = {}, query.limit or 100
  while position < #pids and #units < limit do
    position = position + 1
    local self = by_pid[pids[position]]
    if self then
      local row = row_of(self, ready)
      if query.pid then
        row.memory, row.memory_partial = weigh(self)
      end
      units[#units + 1] = row
    end
  end
  if position >= #pids then
    return { units = units }
  end
  return { units = units, next = (list or keep(pids)) .. "." .. position }
end

-- So many starts and ends of one turn are told; the rest is counted.
local MOST <const> = 1000
local news, dropped = {}, 0

local function note(kind, self, err)
  if kind == "run" then
    return
  elseif self.pid and #news < MOST then
    news[#news + 1] = {
      kind = kind,
      pid = self.pid,
      entry = self.entry.id,
      parent = self.parent or nil,
      error = err,
    }
  elseif self.pid then
    dropped = dropped + 1
  end
end

--- Begins or ends the stream of starts, ends and restarts. While nobody listens it costs a look at a field.
function inspect.observe(on)
  unit.set_observer("inspect", on and note)
end

--- Sends what happened in this turn.
function inspect.flush()
  if #news > 0 or dropped > 0 then
    local batch, lost = news, dropped
    news, dropped = {}, 0
    host.emit("route", -1, 0, "events.lifecycle", { news = batch, lost = lost })
  end
end

--- What the node asks of this worker; see kernel/processes/requests.
inspect.operations = { units = inspect.units, observe = inspect.observe }

return inspect
