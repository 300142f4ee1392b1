-- What the natives know of the kernel, in the order of src/vm/natives/kept.as.ts: tables that they look into, keys of
-- channels, names of fields, a list of what runs, and what calls and spawns use. They note addresses, so the lists are
-- kept.
local use = ...
local channel = use("kernel/messaging/channel")
local functions = use("kernel/functions/functions")
local limits = use("kernel/processes/limits")
local messaging = use("kernel/messaging/messaging")
local payload = use("kernel/messaging/payload")
local placement = use("kernel/processes/placement")
local plain = use("kernel/processes/plain")
local pool = use("kernel/functions/pool")
local remote = use("kernel/processes/remote")
local room = use("kernel/processes/room")
local sandbox = use("kernel/core/sandbox")
local scheduler = use("kernel/core/scheduler")
local security = use("kernel/security/security")
local spawning = use("kernel/processes/spawning")
local unit = use("kernel/core/unit")

-- Kept alive: the natives have addresses only.
local known, calls

-- Coroutines of processes that have ended, for the next ones (src/vm/natives/spare.as.ts).
local spare = setmetatable({}, { __mode = "v" })

--- Notes them, with the contexts of processes and functions.
return function(of_processes, of_functions)
  known = {
    unit.by_pid,
    scheduler.unit_of,
    scheduler,
    security,
    messaging.message_meta,
    channel.meta,
    scheduler.NOTHING,
    channel.FIRST,
    channel.ITEMS,
    channel.RECEIVERS,
    channel.SENDERS,
    channel.CLOSED,
    channel.DECODE,
    "limits",
    "frame",
    "scope",
    "strict",
    "context",
    "delivers",
    "pid",
    "listeners",
    "inbox",
    "current",
    "co",
    "h",
    "t",
    "steps",
    scheduler.running,
    unit,
    "live",
    "observer",
    "gone",
    of_processes,
    "main",
    "ended",
    spare,
    "n",
    remote.routes,
    -- What the end of a process has to look at.
    "others",
    "calls",
    "cleanups",
    "host_work",
    "limits",
    "monitors",
    "links",
    "waiters",
    "watching",
    "named",
  }
  calls = {
    functions.simple,
    of_functions,
    pool.timing,
    functions.CALLEE,
    "instances",
    "free",
    "callee",
    "caller",
    "waiter",
    "entry",
    "instance",
    "since",
    "calls",
    "size",
    "limit",
    "first",
    "last",
    "quiet",
    "done",
    "on",
    "pool",
    -- What spawns use beside some of these.
    sandbox,
    placement,
    room.state,
    spawning.hosts,
    limits.by_host,
    unit.prefixes,
    unit.numbers,
    plain.blank,
    plain.complete,
    "loading",
    "alone",
    "full",
    "left",
    "entries",
    "loaded",
    "vararg",
    "imports",
    "load",
    "factory",
    "environment",
    "method",
    "kind",
    "process.host",
    "state",
    "running",
    "index",
    "sequence",
    "secrets",
    "at",
    "turn",
    "started",
    "parent",
    "env",
    payload.meta,
  }
  host.know(known, calls)
end
