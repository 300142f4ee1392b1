-- What a workflow does to plain processes, and to workflows of other hosts: recorded as its operation, done here in its
-- name, by a unit of its own.
local use = ...
local core = use("kernel/core/core")
local node_calls = use("kernel/functions/node_calls")
local operations = use("kernel/functions/operations")
local security = use("kernel/security/security")
local processes = use("kernel/processes/processes")
local spawning = use("kernel/processes/spawning")
local unit = use("kernel/core/unit")

local acts = {}

-- The handlers of process units.
local context

acts.connect = core.hooks("kernel/workflows/acts", { "context" }, function(process)
  context = process
end)

local function acting_frame(self, frame)
  return frame and security.resolved(frame) or self.frame
end

local function act_on_schedule(op)
  return function(self, request, ...)
    return operations.schedule(self, op, request, ...)
  end
end

-- Name -> what runs, given the acting unit. `node.NAME` is what a module asks the node for.
local named = {
  ["process.send"] = processes.send,
  ["process.spawn"] = function(self, id, host_id, frame, extra, ...)
    return spawning.spawn(self, id, host_id, acting_frame(self, frame), false, false, extra, ...)
  end,
  ["process.exec"] = function(self, id, host_id, frame, extra, ...)
    return spawning.exec(self, id, host_id, acting_frame(self, frame), extra, ...)
  end,
  ["process.cancel"] = processes.cancel,
  ["process.terminate"] = processes.terminate,
  ["process.register"] = function(self, name, pid)
    local ok, err = processes.register(self, name, pid)
    -- The name is the workflow's: the end of what registers it in its name does not free it.
    self.named = nil
    return ok, err
  end,
  ["process.unregister"] = processes.unregister,
  ["process.lookup"] = processes.lookup,
  ["workflow.query"] = function(self, pid, name, n, ...)
    local args = table.pack(...)
    return operations.workflow_query(self, pid, name, table.unpack(args, 1, n))
  end,
  ["schedule.create"] = act_on_schedule("create"),
  ["schedule.describe"] = act_on_schedule("describe"),
  ["schedule.list"] = act_on_schedule("list"),
  ["schedule.update"] = act_on_schedule("update"),
  ["schedule.pause"] = act_on_schedule("pause"),
  ["schedule.unpause"] = act_on_schedule("unpause"),
  ["schedule.trigger"] = act_on_schedule("trigger"),
  ["schedule.backfill"] = act_on_schedule("backfill"),
  ["schedule.delete"] = act_on_schedule("delete"),
  ["workflow.update"] = function(self, pid, name, spec, n, ...)
    local args = table.pack(...)
    return operations.workflow_update(self, pid, name, spec, table.unpack(args, 1, n))
  end,
  ["workflow.update_with_start"] = operations.workflow_update_with_start,
}

--- Does one of these in the name of the workflow `pid`; the outcome is emitted as "called".
function acts.run(token, pid, frame, name, ...)
  local args = table.pack(...)
  local self = {
    pid = pid,
    entry = { id = name },
    context = context,
    frame = security.resolved(frame),
  }
  self.waiters = {
    function(value, err)
      node_calls.report(token, value, err)
    end,
  }
  unit.start(
    self,
    coroutine.create(function()
      local act = named[name]
      if act then
        return act(self, table.unpack(args, 1, args.n))
      end
      return processes.ask(-1, name:match("^node%.(.+)$"), table.unpack(args, 1, args.n))
    end)
  )
end

return acts
