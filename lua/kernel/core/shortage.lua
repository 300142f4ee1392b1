-- Shortage of memory or time in workflows. It depends on the neighbours of a run, so its code must not see it: the task
-- is given up and done again.
local use = ...
local check = use("kernel/core/check")
local errors = use("kernel/core/errors")
local stable = use("kernel/core/stable")

local error, pcall, resume, select, type, xpcall =
  error, pcall, coroutine.resume, select, type, xpcall
local shortage = {}

local OUT_OF_MEMORY <const> = "not enough memory"
local STUCK <const> = "ran too long where it cannot yield"

--- Whether a raised value says that the machine is short of memory or time. That depends on the neighbours of a run:
--- its code must not see it, so its task is given up and done again.
function shortage.is(raised)
  return raised == OUT_OF_MEMORY or type(raised) == "string" and raised:find(STUCK, 1, true) ~= nil
end

--- The same of the text of an Error that running a chunk has made of it.
function shortage.is_told(message)
  return message:find(OUT_OF_MEMORY, 1, true) ~= nil or message:find(STUCK, 1, true) ~= nil
end

--- Gives the task of a run up. What runs in one of its coroutines does not go on.
function shortage.give_up(run, raised)
  run.failure = errors.make(
    "Unavailable",
    raised == OUT_OF_MEMORY
        and "there is not enough memory for the workflow; let it keep less, or give the runtime more (--memory-limit)"
      or raised,
    true,
    { task_failed = true }
  )
  if coroutine.isyieldable() then
    host.park()
  end
end

local function checked(ok, first, ...)
  if not ok and shortage.is(first) then
    local run = stable.current_run()
    if run then
      shortage.give_up(run, first)
    end
  end
  return ok, first, ...
end

-- What catches errors in workflows. Each checks its arguments as Lua's does, which would name this file.

function shortage.pcall(...)
  if select("#", ...) == 0 then
    error("bad argument #1 to 'pcall' (value expected)", 2)
  end
  return checked(pcall(...))
end

function shortage.xpcall(fn, handler, ...)
  return checked(xpcall(fn, check.func(handler, 2, "xpcall"), ...))
end

function shortage.resume(co, ...)
  if type(co) ~= "thread" then
    check.fail(1, "resume", "thread", co)
  end
  return checked(resume(co, ...))
end

return shortage
