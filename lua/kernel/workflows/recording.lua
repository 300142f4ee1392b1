-- What a run records: the values that leave it, activities and host operations, answers that are computed once.
local use = ...
local activity_options = use("kernel/workflows/activity_options")
local commands = use("kernel/workflows/commands")
local copies = use("kernel/core/copy")
local errors = use("kernel/core/errors")
local local_activities = use("kernel/workflows/local_activities")
local messaging = use("kernel/messaging/messaging")
local security = use("kernel/security/security")
local record_size = use("kernel/workflows/record_size")
local scheduler = use("kernel/core/scheduler")
local scopes = use("kernel/workflows/scopes")
local task_limits = use("kernel/workflows/task_limits")
local updates = use("kernel/workflows/updates")
local command, next_seq = commands.add, commands.next_seq

local recording = {}

--- Copies of values that leave the run, as a list with its length: what the code does to them later changes nothing.
--- `nil, err` when one of them cannot be copied, or they are too large for a history.
function recording.copied(...)
  local values = table.pack(pcall(copies.all, ...))
  local ok, first = values[1], values[2]
  if not ok then
    return nil, errors.from_raised(first)
  end
  local n = values.n - 1
  table.move(values, 2, n + 2, 1)
  values.n = nil
  local bytes = record_size.of_all(values, n)
  local refusal = record_size.refusal(bytes, "what the workflow passes on")
  if refusal then
    return nil, refusal
  end
  commands.takes(scheduler.current, bytes)
  return values, n
end
local copied = recording.copied

--- The frame of what a run starts, as the journal keeps it; nil when it is the run's.
function recording.own_frame(self, frame)
  return frame and frame ~= self.frame and security.durable(frame) or nil
end
local own_frame = recording.own_frame

--- What a run hands on to the one that it continues as: the messages that its code has not received, each {topic, n,
--- value, sender}, and the request to cancel that it has not. The third is the Error when they are too large for one
--- step.
function recording.handed_on(self)
  local unread, events = messaging.unread(self)
  local messages, bytes = {}, 0
  for _, message in ipairs(unread) do
    -- Updates that are not accepted yet are handed on by the provider.
    if not updates.id_of(message[2]) then
      bytes = bytes + #message[1] + record_size.of(message[3])
      messages[#messages + 1] = { message[1], message.n or 1, message[3], message[2] }
    end
  end
  local refusal = task_limits.refusal(self, bytes)
  if refusal then
    local text = #messages .. " unread messages cannot go on to the next run: " .. refusal
    return nil, nil, errors.fail("Invalid", text .. "; receive some of them first")
  end
  local cancel
  for _, event in ipairs(events) do
    if event[3].kind == "pid.cancel" then
      cancel = { sender = event[3].from, reason = event[3].reason }
    end
  end
  commands.takes(self, bytes)
  return #messages > 0 and messages or nil, cancel
end

local function schedule(self, waiter, entry, spec, operation, frame, args, argc)
  local seq = next_seq(self, "activities")
  self.run.activities[seq] = waiter
  scopes.enter(self, "activities", seq)
  local body = {
    type = "schedule_activity",
    seq = seq,
    activityId = spec.activityId,
    entry = entry,
    args = args,
    argc = argc,
    options = spec.options,
    operation = operation,
    frame = own_frame(self, frame),
  }
  if spec["local"] then
    local_activities.schedule(self, body)
  else
    command(self, body)
  end
  return seq
end

local function no_options()
  return { options = {} }
end

--- The effect `record`: what `compute()` returns, `value, err`, computed once and recorded; on replay the record.
--- `what` names it in the error when it is too large.
function recording.record(self, compute, what)
  local seq = next_seq(self, "records")
  local recorded = self.run.recorded[seq]
  local value, err
  if recorded then
    self.run.recorded[seq] = nil
    value, err = recorded.value, recorded.failure
  else
    value, err = compute()
    -- What the code is given now must be what a replay gives it.
    value = copies.copy(value)
    local refusal =
      record_size.refusal(record_size.of(value), "the answer of " .. (what or "a check"))
    if refusal then
      value, err = nil, refusal
    end
    err = record_size.bounded(err, "the error")
  end
  commands.takes(self, record_size.of(value))
  command(self, { type = "record", seq = seq, value = copies.copy(value), failure = err })
  return value, err
end

--- The effect `operation`: runs a host operation as an activity that the run waits for.
function recording.operation(self, name, ...)
  local refusal = security.operation_refusal(self, name, ...) or scopes.refusal(self)
  if refusal then
    return nil, refusal
  end
  local args, n = copied(...)
  if not args then
    return nil, n
  end
  schedule(self, commands.waiter(self), name, no_options(), true, nil, args, n)
  return host.park()
end

--- Schedules a call of a function entry; `waiter` (a coroutine or a function) gets its outcome. Returns its number. A
--- wrong option is `nil, err`, and nothing is scheduled.
function recording.activity(self, waiter, target, frame, options, ...)
  local spec, err = nil, scopes.refusal(self)
  if not err then
    spec, err = activity_options.of(target, options)
  end
  if err then
    return nil, err
  end
  local args, n = copied(...)
  if not args then
    return nil, n
  end
  return schedule(self, waiter, target, spec or no_options(), nil, frame, args, n)
end

return recording
