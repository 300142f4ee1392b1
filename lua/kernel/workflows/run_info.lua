-- What a run knows of itself: the answer of `workflow.info`.
local use = ...
local copies = use("kernel/core/copy")
local record_size = use("kernel/workflows/record_size")

local run_info = {}

--- What `workflow.info` returns: the same during a whole task, but for what `workflow.attrs` has changed.
function run_info.of(self)
  local run = self.run
  local parent = run.parent
  return {
    workflow_id = run.workflow_id,
    run_id = run.id,
    workflow_type = self.entry.id,
    task_queue = run.host,
    namespace = "default",
    attempt = run.attempt,
    history_length = run.history_length,
    history_size = run.history_size,
    memo = copies.copy(run.memo),
    search_attributes = copies.copy(run.search),
    parent = parent
      and { workflow_id = parent.workflowId, run_id = parent.runId, pid = parent.pid },
    continued_from = run.continued_from,
  }
end

local function merge(old, added)
  for key, value in pairs(added or {}) do
    old[key] = value
  end
end

--- The Error (Invalid) when the run would have too much of attributes with these over its own; else nil.
function run_info.refusal(self, search, memo)
  local function refusal(old, added, what)
    local all = {}
    merge(all, old)
    merge(all, added)
    return added and record_size.refusal(record_size.of(all), what)
  end
  return refusal(self.run.search, search, "all search attributes of the run")
    or refusal(self.run.memo, memo, "the whole memo of the run")
end

--- Lays attributes, which are copies, over those of the run.
function run_info.merge(self, search, memo)
  merge(self.run.search, search)
  merge(self.run.memo, memo)
end

return run_info
