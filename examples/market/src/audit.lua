-- What must hold after trading, computed from the records and from what the traders were told.

local audit = {}

local function orders_of(data)
  local orders, problems = {}, {}
  for symbol, records in pairs(data.journals) do
    for _, record in ipairs(records) do
      if orders[record.id] then
        problems[#problems + 1] = record.id .. " is twice in the journals"
      end
      orders[record.id] =
        { record = record, symbol = symbol, filled = 0, waiting = 0, canceled = 0 }
    end
  end
  return orders, problems
end

-- A list of what is wrong; empty when all is well.
function audit.problems(data)
  local orders, problems = orders_of(data)
  local function expect(ok, text)
    if not ok then
      problems[#problems + 1] = text
    end
  end

  for _, trader in ipairs(data.traders) do
    for _, one in ipairs(trader.acknowledged) do
      local order = orders[one.request.id]
      expect(order, one.request.id .. " was acknowledged and is lost")
      local of = one.request.order and orders[one.request.order]
      if of then
        of.canceled = of.canceled + one.outcome.canceled
      end
    end
  end

  local cash, positions = {}, {}
  local function move(trader, symbol, quantity, worth)
    cash[trader] = (cash[trader] or 0) + worth
    local key = trader .. " " .. symbol
    positions[key] = (positions[key] or 0) + quantity
  end
  for _, trade in ipairs(data.trades) do
    local name = trade.symbol .. " trade " .. trade.number
    local buy, sell = orders[trade.buy], orders[trade.sell]
    if not buy or not sell then
      expect(false, name .. " has an order that no journal has")
    else
      expect(trade.price <= buy.record.price, name .. " is above the buyer's limit")
      expect(trade.price >= sell.record.price, name .. " is below the seller's limit")
      buy.filled = buy.filled + trade.quantity
      sell.filled = sell.filled + trade.quantity
    end
    local worth = trade.price * trade.quantity
    move(trade.buyer, trade.symbol, trade.quantity, -worth)
    move(trade.seller, trade.symbol, -trade.quantity, worth)
  end

  for _, book in pairs(data.books) do
    for _, side in ipairs({ book.bids, book.asks }) do
      for _, waiting in ipairs(side) do
        local order = orders[waiting.id]
        expect(order, waiting.id .. " waits in a book and is in no journal")
        if order then
          order.waiting = order.waiting + waiting.rest
        end
      end
    end
    local bid, asked = book.bids[1], book.asks[1]
    expect(not (bid and asked) or bid.price < asked.price, "a book is crossed")
  end
  for id, order in pairs(orders) do
    local there = order.filled + order.waiting + order.canceled
    expect(
      order.record.op ~= "place" or there == order.record.quantity,
      id .. ": filled, waiting and canceled quantities do not add up"
    )
  end

  local sums = { cash = 0 }
  for trader, account in pairs(data.accounts) do
    expect(account.cash == cash[trader], trader .. " has another cash balance than its trades say")
    sums.cash = sums.cash + account.cash
    for symbol, quantity in pairs(account.positions) do
      local same = quantity == positions[trader .. " " .. symbol]
      expect(same, trader .. " has another position in " .. symbol .. " than its trades say")
      sums[symbol] = (sums[symbol] or 0) + quantity
    end
  end
  for what, sum in pairs(sums) do
    expect(sum == 0, "the accounts' sum of " .. what .. " is " .. sum)
  end
  return problems
end

return audit
