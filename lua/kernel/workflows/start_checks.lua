-- Whether an entry can be started as a workflow. A run asks that of the live registry, and so records when it cannot: a
-- replay may find the entry. A replay without that record goes on, though the entry may be gone by now.
local use = ...
local errors = use("kernel/core/errors")
local sandbox = use("kernel/core/sandbox")

--- Nil when the entry is a workflow, else the Error. `record` is the context's.
return function(self, id, record)
  local run = self.run
  local recorded = run.recorded[(run.sequences.records or 0) + 1]
  local details = recorded and recorded.failure and recorded.failure:details()
  local refused = details and details.refused_entry == id
  if run.replaying and not refused then
    return nil
  end
  local entry, err = sandbox.entry(id)
  if not refused and entry and entry.kind == "workflow.lua" then
    return nil
  end
  err = err or sandbox.missing("workflow not found", id, "workflow.lua")
  local _, failure = record(self, function()
    return nil, errors.make(err:kind(), err:message(), false, { refused_entry = id })
  end)
  return failure
end
