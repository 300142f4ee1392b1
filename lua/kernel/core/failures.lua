-- Failures that nobody may wait for, in the log: units that crash, children that a supervisor restarts. A loop of
-- them must not flood it, so each kind of record is limited, and what was left out is counted.
local use = ...
local scheduler = use("kernel/core/scheduler")

local failures = {}

-- So many records of a kind within a window, in nanoseconds.
local MOST <const> = 10
local WINDOW <const> = 10000000000

-- Kind of record -> { count, last }, while its window is open.
local windows = {}

local function close(kind, level, logger)
  local window = windows[kind]
  windows[kind] = nil
  local more = window.count - MOST
  if more > 0 then
    host.log(level, logger, kind .. " " .. more .. " more times in 10s", window.last)
  end
end

--- Writes a record: `kind` is its text, `fields` what it says of this occurrence. Of more than ten of a kind in ten
--- seconds the further ones are counted, and the last one is written with the count.
function failures.log(level, logger, kind, fields, pid)
  local window = windows[kind]
  if not window then
    window = { count = 0, last = false }
    windows[kind] = window
    scheduler.at(host.now() + WINDOW, {
      fire = function()
        close(kind, level, logger)
      end,
    })
  end
  local count = window.count + 1
  window.count = count
  if count <= MOST then
    host.log(level, logger, kind, fields, pid)
  else
    window.last = fields
    if count == MOST + 1 then
      host.log(level, logger, kind .. " again and again: counted for up to 10s", {}, pid)
    end
  end
end

--- What an Error says, as fields of a record.
function failures.fields(err)
  return { error = err._message, kind = err._kind ~= "" and err._kind or nil, stack = err._stack }
end

--- Logs the end of a process by an error of its own. One that somebody waits for is told to them; one that was asked to
--- end, and one whose link ended it, is not worth a record.
function failures.crashed(self, err, raised)
  if
    self.context.kind ~= "process"
    or self.waiters
    or self.failure_told
    or err._kind == "Canceled"
  then
    return
  end
  local fields = failures.fields(err)
  fields.entry = self.entry.id
  local what = raised and " crashed" or " ended with an error"
  failures.log("error", "process", self.entry.id .. what, fields, self.pid)
end

return failures
