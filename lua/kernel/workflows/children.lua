-- Child workflows of a run.
local use = ...
local commands = use("kernel/workflows/commands")
local errors = use("kernel/core/errors")
local groups = use("kernel/workflows/groups")
local record_size = use("kernel/workflows/record_size")
local recording = use("kernel/workflows/recording")
local scopes = use("kernel/workflows/scopes")
local start_refusal = use("kernel/workflows/start_checks")
local copied, own_frame = recording.copied, recording.own_frame

local children = {}

--- The Error when `id` cannot run as a child on a host, else nil.
function children.refusal(self, id, host_id)
  if not groups.same(host_id, self.run.host) then
    return errors.fail(
      "Invalid",
      "a child runs on the host of its parent: " .. self.run.host .. ", not " .. host_id
    )
  end
  return start_refusal(self, id, recording.record)
end

--- Starts a child and waits until it has started: its PID, or `nil, err`. `waiter` is who waits for the start,
--- `on_close` who gets the outcome: a coroutine, a function, or "event" for an EXIT event.
function children.start(self, id, host_id, frame, extra, waiter, on_close, ...)
  extra = extra or {}
  local spec = { options = {} }
  local err = scopes.refusal(self) or children.refusal(self, id, host_id)
  if not err and extra.options then
    spec, err = host.pure("workflow.child_options", extra.options)
  end
  if err then
    return nil, err
  end
  local args, n = copied(...)
  if not args then
    return nil, n
  end
  -- Its memo, attributes, startup messages and context are recorded as well.
  err = record_size.refusal(
    record_size.of({ extra.options, extra.messages, own_frame(self, frame) }),
    "what the child is started with"
  )
  if err then
    return nil, err
  end
  local seq = commands.next_seq(self, "children")
  self.run.child_starts[seq], self.run.children[seq] = waiter, on_close
  scopes.enter(self, "children", seq)
  commands.add(self, {
    type = "start_child",
    seq = seq,
    entry = id,
    hostId = host_id,
    workflowId = spec.workflowId or extra.name,
    args = args,
    argc = n,
    options = spec.options,
    memo = spec.memo,
    searchAttributes = spec.searchAttributes,
    frame = own_frame(self, frame),
    messages = extra.messages,
  })
  return host.park()
end

return children
