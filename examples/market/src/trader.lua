-- A trader: places and cancels orders at random, and keeps what was acknowledged.

local ask = require("ask").ask
local dice = require("dice")
local time = require("time")

local FAIR <const> = 10000

local function main(name, seed, actions, symbols)
  local roll = dice.new(seed)
  local acknowledged, placed, again = {}, {}, 0
  for number = 1, actions do
    local request = { id = name .. "-" .. number, trader = name }
    if #placed > 0 and roll(1, 100) <= 30 then
      local order = table.remove(placed, roll(1, #placed))
      request.op, request.symbol, request.order = "cancel", order.symbol, order.id
    else
      local side = roll(0, 1) == 0 and "buy" or "sell"
      local lean = side == "buy" and -1 or 1
      request.op, request.symbol = "place", symbols[roll(1, #symbols)]
      request.side, request.quantity = side, roll(1, 100)
      request.price = FAIR + lean * roll(-30, 60)
    end
    local outcome, repeats = ask("instrument." .. request.symbol, request)
    again = again + repeats
    if request.op == "place" then
      table.insert(placed, request)
    end
    table.insert(acknowledged, { request = request, outcome = outcome })
    time.sleep(roll(0, 3) .. "ms")
  end
  return { trader = name, acknowledged = acknowledged, again = again }
end

return { main = main }
