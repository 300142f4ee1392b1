-- What a run publishes to queues. It is recorded in the same commit as the rest of its task, and the runtime then
-- brings it to its queue: a task that is not committed publishes nothing, nor does one that is replayed.
local use = ...
local commands = use("kernel/workflows/commands")
local operations = use("kernel/functions/operations")
local recording = use("kernel/workflows/recording")
local scopes = use("kernel/workflows/scopes")

local publications = {}

--- The effect `publish`: `true`, or `nil, err` when there is no such queue.
function publications.publish(self, id, data, headers, message_id, delay)
  local run = self.run
  if not run.publishes then
    -- It began before there was such a record, or its provider has none.
    return recording.operation(self, "queue.publish", id, data, headers, message_id, delay)
  end
  local canceled = scopes.refusal(self)
  if canceled then
    return nil, canceled
  end
  local values, err = recording.copied(data, headers)
  if not values then
    return nil, err
  end
  local seq = commands.next_seq(self, "publications")
  local refused = run.refused[seq]
  local failure
  if refused then
    run.refused[seq] = nil
    failure = refused.failure
  elseif not run.replaying then
    failure = select(2, operations.unchecked(self, "queue.check", id))
  end
  commands.add(self, {
    type = "publish",
    seq = seq,
    queue = id,
    value = values[1],
    headers = values[2],
    messageId = message_id,
    delay = delay,
    failure = failure,
  })
  if failure then
    return nil, failure
  end
  return true
end

return publications
