-- The steps of an order. Each effect has the identity of its activity, so that an attempt after a crash finds what the
-- attempt before it did, and does it only once.

local activity = require("activity")
local fs = require("fs")
local json = require("json")

-- Writes an effect down as a file, unless this activity has done so before. Answers its receipt.
local function once(kind, facts)
  local receipt = kind .. "-" .. activity.info().idempotency_token:gsub("[^%w]", "-")
  local path = receipt .. ".json"
  local world = assert(fs.get("orders:world"))
  if not world:exists(path) then
    -- A new file in one step: a crash leaves the whole of it or nothing.
    assert(world:writefile(path, json.encode(facts), "wx"))
  end
  return receipt
end

local steps = {}

function steps.charge(order, amount)
  -- The bank is not always there at first.
  if order:find("slow", 1, true) and activity.info().attempt < 3 then
    error("the bank does not answer")
  end
  return once("charge", { order = order, amount = amount })
end

function steps.refund(charge)
  return once("refund", { charge = charge })
end

function steps.reserve(order, item, count)
  if item == "unicorn" then
    return nil, "no unicorns in stock"
  end
  return once("reserve", { order = order, item = item, count = count })
end

function steps.release(reservation)
  return once("release", { reservation = reservation })
end

function steps.ship(order, address)
  if address == "nowhere" then
    return nil, "nobody lives nowhere"
  end
  return once("ship", { order = order, address = address })
end

function steps.notify(who, text)
  return once("notify", { who = who, text = text })
end

return steps
