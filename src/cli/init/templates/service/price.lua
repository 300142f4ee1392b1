-- Types are optional; wippy check reports values of the wrong type.
type Line = { item: string @min_len(1), count: integer @min(1), price: number @min(0) }
type Order = { id: string @min_len(1), lines: Line[] @min_len(1) }

local function total(order: Order): number
  local sum: number = 0
  for _, line in ipairs(order.lines) do
    sum = sum + line.count * line.price
  end
  return sum
end

-- Validates an order. Returns `order, nil`, or `nil, reason`.
local function check(value: any)
  return Order:is(value)
end

return { total = total, check = check }
