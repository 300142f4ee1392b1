-- Failures of asynchronous calls that nobody reads: each becomes one record in the log, when its future is dropped,
-- when the unit that holds it ends, or when it has waited in a channel for long.
local use = ...
local failures = use("kernel/core/failures")
local future = use("kernel/messaging/future")
local scheduler = use("kernel/core/scheduler")
local unit = use("kernel/core/unit")

local unread = {}

-- Nanoseconds between two looks at what is unread; so many looks a channel may keep it.
local PAUSE <const> = 10000000000
local PATIENCE <const> = 6

local weak = { __mode = "v" }

-- Record -> true, for each failure whose future may still be read.
local records = {}
local watching = false

local function tell(record)
  records[record] = nil
  record.owned[record.ending] = nil
  if future.is_unread(record.state) then
    local fields = failures.fields(record.err)
    fields.entry, fields.caller = record.target, record.caller
    failures.log(
      "warn",
      "funcs",
      record.target .. " failed, and nobody read its future",
      fields,
      record.pid
    )
  end
end

local function look()
  watching = false
  for record in pairs(records) do
    record.looks = record.looks + 1
    local dropped = not record.held.future and not future.is_asked(record.state)
    if dropped or record.looks >= PATIENCE or not future.is_unread(record.state) then
      tell(record)
    end
  end
  if next(records) then
    unread.watch()
  end
end

function unread.watch()
  if not watching then
    watching = true
    scheduler.at(host.now() + PAUSE, { fire = look })
  end
end

--- Notes that a call of `self` has failed with `err`; `owned` is what ends with the unit.
function unread.note(self, owned, result, target, err)
  if self.ended or err._kind == "Canceled" then
    return
  end
  local record = {
    held = setmetatable({ future = result }, weak),
    state = future.state(result),
    target = target,
    caller = self.entry.id,
    pid = unit.pid_of(self),
    err = err,
    owned = owned,
    looks = 0,
  }
  record.ending = function()
    tell(record)
  end
  owned[record.ending] = true
  records[record] = true
  unread.watch()
end

return unread
