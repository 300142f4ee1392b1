-- The clearing house: settles every trade once, and holds the cash and the positions of the traders.

local server = require("server")

local PAGE <const> = 200

local callbacks = {}

function callbacks.init()
  return { settled = {}, trades = {}, accounts = {} }
end

local function account(state, trader)
  local one = state.accounts[trader] or { cash = 0, positions = {} }
  state.accounts[trader] = one
  return one
end

local function move(state, trader, symbol, quantity, cash)
  local one = account(state, trader)
  one.cash = one.cash + cash
  one.positions[symbol] = (one.positions[symbol] or 0) + quantity
end

local operations = {}

-- An instrument that comes back settles its trades again: those up to the last known number have been.
function operations.settle(request, state)
  local symbol = request.symbol
  for _, trade in ipairs(request.trades) do
    if trade.number > (state.settled[symbol] or 0) then
      trade.symbol = symbol
      state.settled[symbol] = trade.number
      table.insert(state.trades, trade)
      local worth = trade.price * trade.quantity
      move(state, trade.buyer, symbol, trade.quantity, -worth)
      move(state, trade.seller, symbol, -trade.quantity, worth)
    end
  end
  return server.reply(state.settled[symbol] or 0, state)
end

function operations.trades(request, state)
  local after = request.after
  return server.reply({ table.unpack(state.trades, after + 1, after + PAGE) }, state)
end

function operations.accounts(_, state)
  return server.reply(state.accounts, state)
end

function callbacks.handle_call(request, _, state)
  return operations[request.op](request, state)
end

return {
  main = function(...)
    return server.run(callbacks, ...)
  end,
}
