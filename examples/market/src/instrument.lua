-- The order book of one instrument. A request is written to the journal, then matched, then its trades are settled,
-- then it is acknowledged. Whenever this process dies, its successor replays the journal: matching has one outcome.

local book = require("book")
local server = require("server")

local callbacks = {}

-- An answer, or the end of this process: its supervisor starts it again with what the records say.
local function must(name, request)
  local answer, err = server.call(name, request)
  if err then
    error(err)
  end
  return answer
end

-- Matches a record and keeps its outcome, which is also the answer to the same request when it comes again.
local function apply(state, record)
  local outcome
  if record.op == "place" then
    local trades, rest = book.place(state.book, record)
    outcome = { trades = trades, rest = rest }
  else
    outcome = { trades = {}, canceled = book.cancel(state.book, record.order) }
  end
  state.outcomes[record.id] = outcome
  return outcome
end

local function settle(state, trades)
  if #trades > 0 then
    must("clearing", { op = "settle", symbol = state.symbol, trades = trades })
  end
end

function callbacks.init(symbol)
  local state = { symbol = symbol, book = book.new(), outcomes = {} }
  state.journal = "journal." .. symbol
  state.epoch = must(state.journal, { op = "open" })
  local after = 0
  repeat
    local page = must(state.journal, { op = "read", after = after })
    local trades = {}
    for _, record in ipairs(page) do
      local made = apply(state, record).trades
      table.move(made, 1, #made, #trades + 1, trades)
    end
    settle(state, trades)
    after = after + #page
  until #page == 0
  return state
end

function callbacks.handle_call(request, _, state)
  if request.op == "book" then
    return server.reply({ bids = state.book.bids, asks = state.book.asks }, state)
  end
  local outcome = state.outcomes[request.id]
  if not outcome then
    must(state.journal, { op = "append", epoch = state.epoch, record = request })
    outcome = apply(state, request)
    settle(state, outcome.trades)
  end
  return server.reply(outcome, state)
end

return {
  main = function(...)
    return server.run(callbacks, ...)
  end,
}
