-- An order book: limit orders are matched by price, then by time, at the price of the order that waited.

local book = {}

local function dearer(a, b)
  return a > b
end

local function cheaper(a, b)
  return a < b
end

function book.new()
  return { bids = {}, asks = {}, trades = 0 }
end

-- Behind every order of the same price, so that the older one is served first.
local function insert(side, order, better)
  local at = #side + 1
  while at > 1 and better(order.price, side[at - 1].price) do
    at = at - 1
  end
  table.insert(side, at, order)
end

local function trade(self, taker, maker, quantity)
  local buy, sell = taker, maker
  if taker.side == "sell" then
    buy, sell = maker, taker
  end
  self.trades = self.trades + 1
  return {
    number = self.trades,
    price = maker.price,
    quantity = quantity,
    buyer = buy.trader,
    seller = sell.trader,
    buy = buy.id,
    sell = sell.id,
  }
end

-- Matches an order { id, trader, side, price, quantity }; what is left of it waits in the book. Gives the trades and
-- the quantity that waits.
function book.place(self, order)
  local buys = order.side == "buy"
  local own, others = self.asks, self.bids
  if buys then
    own, others = self.bids, self.asks
  end
  local worse = buys and dearer or cheaper
  local trades, rest = {}, order.quantity
  while rest > 0 and others[1] and not worse(others[1].price, order.price) do
    local maker = others[1]
    local quantity = math.min(rest, maker.rest)
    trades[#trades + 1] = trade(self, order, maker, quantity)
    rest, maker.rest = rest - quantity, maker.rest - quantity
    if maker.rest == 0 then
      table.remove(others, 1)
    end
  end
  if rest > 0 then
    local waiting =
      { id = order.id, trader = order.trader, side = order.side, price = order.price, rest = rest }
    insert(own, waiting, buys and dearer or cheaper)
  end
  return trades, rest
end

-- Takes an order out of the book and gives the quantity that waited; 0 when it is not there.
function book.cancel(self, id)
  for _, side in ipairs({ self.bids, self.asks }) do
    for at, order in ipairs(side) do
      if order.id == id then
        table.remove(side, at)
        return order.rest
      end
    end
  end
  return 0
end

return book
