-- The journal of one instrument: the requests that it accepted, in order. A request counts once it is in here.

local server = require("server")

local PAGE <const> = 200

local callbacks = {}

function callbacks.init()
  return { epoch = 0, records = {} }
end

local operations = {}

-- Begins a new epoch: appends by the process that had the journal before are refused from now on, even those that are
-- still on their way here.
function operations.open(_, state)
  state.epoch = state.epoch + 1
  return server.reply(state.epoch, state)
end

function operations.append(request, state)
  if request.epoch ~= state.epoch then
    return server.fail(
      errors.new({
        message = "epoch " .. request.epoch .. " of the journal is over",
        kind = errors.CONFLICT,
        retryable = true,
      }),
      state
    )
  end
  table.insert(state.records, request.record)
  return server.reply(#state.records, state)
end

-- A page of the records after the first `after`.
function operations.read(request, state)
  local after = request.after
  return server.reply({ table.unpack(state.records, after + 1, after + PAGE) }, state)
end

function callbacks.handle_call(request, _, state)
  return operations[request.op](request, state)
end

return {
  main = function(...)
    return server.run(callbacks, ...)
  end,
}
