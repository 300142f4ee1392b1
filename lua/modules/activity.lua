--- Module `activity`: what a function that runs as the activity of a workflow knows of its attempt.
-- @workflows yes
-- @sandbox yes
local runtime = ...
local activities = runtime.use("kernel/workflows/activities")
local copies = runtime.use("kernel/core/copy")
local record_size = runtime.use("kernel/workflows/record_size")
local errors = runtime.errors
local scheduler = runtime.use("kernel/core/scheduler")

local activity = {}

-- The attempt in whose name the unit runs, or nil. Workflows are none, though one may have started them.
local function current()
  local self = scheduler.current
  return self.context.kind ~= "workflow" and self.frame.activity or nil
end

local function outside()
  return errors.fail("Invalid", "not called by a workflow as an activity")
end

local function time_of(milliseconds)
  -- Activities without limit have no deadline.
  if milliseconds and milliseconds < 9e12 then
    return math.floor(milliseconds) // 1000
  end
  return nil
end

--- Facts of the attempt, or nil outside of an activity.
function activity.info()
  local attempt = current()
  if not attempt then
    return nil
  end
  return {
    activity_id = attempt.activity_id,
    activity_type = attempt.activity_type,
    workflow_id = attempt.workflow_id,
    run_id = attempt.run_id,
    workflow_pid = attempt.workflow_pid,
    attempt = attempt.attempt,
    idempotency_token = attempt.idempotency_token,
    scheduled_time = time_of(attempt.scheduled_time),
    deadline = time_of(attempt.deadline),
    heartbeat_timeout = attempt.heartbeat_timeout,
    is_local = attempt.is_local,
  }
end

--- Says that the attempt is alive and how far it is: `true`, or `nil, err` Canceled when the workflow wants it to end.
function activity.heartbeat(...)
  local attempt = current()
  if not attempt then
    return nil, outside()
  end
  local values = table.pack(pcall(copies.all, ...))
  if not values[1] then
    return nil, errors.from_raised(values[2])
  end
  local refusal = record_size.refusal(record_size.of(values), "the details of the heartbeat")
  if refusal then
    return nil, refusal
  end
  local canceled, err = activities.heartbeat(attempt, table.unpack(values, 2, values.n))
  if err then
    return nil, err
  elseif canceled then
    return nil, errors.fail("Canceled", "the workflow has canceled the activity")
  end
  return true
end

--- The values of the last heartbeat of an earlier attempt; nothing when there is none.
function activity.heartbeat_details()
  local attempt = current()
  if not attempt then
    return
  end
  return table.unpack(copies.copy(attempt.details), 1, attempt.detail_count)
end

--- Whether the workflow wants the attempt to end.
function activity.is_canceled()
  local attempt = current()
  return attempt ~= nil and activities.is_canceled(attempt)
end

return activity
