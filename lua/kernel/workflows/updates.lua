-- Updates: messages to a run that have an answer. They reach a handler that the code has set, or else the mailbox,
-- as messages of the sender `{update|ID}`, which are answered by `process.send`. See docs/guide/workflows.md.
-- `run.updates`: id -> "pending" or "accepted"; `run.verdicts`: what validators said, on replay.
local use = ...
local channel = use("kernel/messaging/channel")
local commands = use("kernel/workflows/commands")
local copies = use("kernel/core/copy")
local errors = use("kernel/core/errors")
local messaging = use("kernel/messaging/messaging")
local record_size = use("kernel/workflows/record_size")
local scheduler = use("kernel/core/scheduler")
local shortage = use("kernel/core/shortage")
local tostring = use("kernel/core/stable").tostring
local unit = use("kernel/core/unit")

local updates = {}

local SENDER <const> = "^{update|(.*)}$"

local function accept(self, id)
  self.run.updates[id] = "accepted"
  commands.add(self, { type = "accept_update", updateId = id })
end

local function reject(self, id, failure)
  self.run.updates[id] = nil
  failure = record_size.bounded(failure, "the refusal of the update")
  commands.add(self, { type = "reject_update", updateId = id, failure = failure })
end

local function complete(self, id, value, failure)
  self.run.updates[id] = nil
  if not failure then
    local ok, copy = pcall(copies.copy, value)
    if ok then
      value = copy
      failure = record_size.refusal(record_size.of(copy), "the result of the update")
    else
      failure = errors.from_raised(copy)
    end
  end
  if failure then
    value = nil
  end
  failure = record_size.bounded(failure, "the error of the update")
  commands.takes(self, record_size.of(value))
  commands.add(self, { type = "complete_update", updateId = id, value = value, failure = failure })
end

-- Nil when the validator has no objection, else the Error.
local function objection(self, validator, args, n)
  local run = self.run
  run.read_only = "the validator of an update"
  local ok, verdict, reason = host.call_unyieldable(validator, table.unpack(args, 1, n))
  run.read_only = nil
  if not ok then
    return errors.from_raised(verdict)
  elseif verdict == false or (verdict == nil and reason ~= nil) then
    return errors.from_returned(reason) or errors.fail("Invalid", "update rejected")
  end
  return nil
end

local function with_stack(raised)
  if shortage.is(raised) then
    return raised
  end
  return errors.from_raised(raised, host.traceback("", 2))
end

-- Validates and runs an update in a coroutine of its own; the handler's errors are the update's, not the run's.
local function start(self, spec, id, args, n)
  scheduler.ready(unit.spawn_coroutine(self, function()
    local verdict = self.run.verdicts[id]
    self.run.verdicts[id] = nil
    local failure
    if verdict then
      failure = verdict.failure
    elseif spec.validator then
      failure = objection(self, spec.validator, args, n)
    end
    if failure then
      return reject(self, id, failure)
    end
    accept(self, id)
    local ok, value, err = xpcall(spec.handler, with_stack, table.unpack(args, 1, n))
    if ok then
      failure = err ~= nil and errors.from_returned(err) or nil
    elseif shortage.is(value) then
      shortage.give_up(self.run, value)
    else
      failure = value
    end
    complete(self, id, value, failure)
  end))
end

local function queued(self, matches)
  local list = self.inbox
    and channel.take_matching(self.inbox, function(message)
      return message[2]:find(SENDER) and matches(message)
    end)
  return list or {}
end

--- Takes an update: a handler answers it, or it goes into the mailbox.
function updates.deliver(self, job)
  local run, id, n = self.run, job.updateId, job.argc
  run.updates[id] = "pending"
  local spec = run.update_handlers and run.update_handlers[job.name]
  if spec then
    return start(self, spec, id, job.args, n)
  end
  run.queued_updates = true
  local value = job.args
  if n == 1 then
    value = job.args[1]
  end
  messaging.deliver(self, messaging.message(job.name, "{update|" .. id .. "}", n, value))
end

--- Takes what a validator said of an update before, on replay.
function updates.note_verdict(self, job)
  self.run.verdicts[job.updateId] = job
end

--- Lets `handler(...)` answer the updates of that name, those that wait already included.
function updates.set_handler(self, name, handler, validator)
  local run = self.run
  commands.refuse_in_read_only(run)
  run.update_handlers = run.update_handlers or {}
  local spec = { handler = handler, validator = validator }
  run.update_handlers[name] = spec
  for _, message in
    ipairs(queued(self, function(message)
      return message[1] == name
    end))
  do
    local n = message.n or 1
    start(self, spec, message[2]:match(SENDER), n == 1 and { message[3] } or message[3] or {}, n)
  end
end

--- Whether no update is being handled.
function updates.all_finished(self)
  for _, state in pairs(self.run.updates) do
    if state == "accepted" then
      return false
    end
  end
  return true
end

--- Rejects the updates that nobody will take, when the code has come to rest: a run that has handlers knows the names
--- of its updates.
function updates.settle(self)
  local run = self.run
  local handlers = run.update_handlers
  if not run.queued_updates or not handlers then
    return
  end
  run.queued_updates = nil
  local unknown = queued(self, function()
    return true
  end)
  if #unknown == 0 then
    return
  end
  local names = {}
  for name in pairs(handlers) do
    names[#names + 1] = name
  end
  table.sort(names)
  for _, message in ipairs(unknown) do
    reject(
      self,
      message[2]:match(SENDER),
      errors.fail(
        "NotFound",
        "unknown update '" .. message[1] .. "'; known are: " .. table.concat(names, ", ")
      )
    )
  end
end

local function reason_of(value, default)
  if errors.is_error(value) then
    return errors.sound(value)
  end
  return errors.fail("Internal", value == nil and default or tostring(value))
end

local answers = {
  ack = { state = "pending", give = accept },
  nak = {
    state = "pending",
    give = function(self, id, value)
      reject(self, id, reason_of(value, "update rejected"))
    end,
  },
  ok = { state = "accepted", give = complete },
  error = {
    state = "accepted",
    give = function(self, id, value)
      complete(self, id, nil, reason_of(value, "update failed"))
    end,
  },
}

--- The id of the update that a PID stands for, or nil.
function updates.id_of(pid)
  return pid:match(SENDER)
end

--- Answers an update that came as a message: `true`, or `nil, err`.
function updates.answer(self, id, verb, value)
  commands.refuse_in_read_only(self.run)
  local state, answer = self.run.updates[id], answers[verb]
  if not state then
    return nil, errors.fail("NotFound", "no update waits for an answer: " .. id)
  elseif not answer then
    return nil,
      errors.fail("Invalid", "an update is answered by ack, nak, ok or error, not by " .. verb)
  elseif answer.state ~= state then
    return nil,
      errors.fail("Invalid", verb .. " answers a " .. answer.state .. " update; this is " .. state)
  end
  self.run.verdicts[id] = nil
  answer.give(self, id, value)
  return true
end

return updates
