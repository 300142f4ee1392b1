-- One order: payment, stock, shipping. What was done is undone, last step first, when a later step cannot be done.
-- Orders above a limit wait for a person, who is reminded every day and has a week.

local funcs = require("funcs")
local time = require("time")
local workflow = require("workflow")

local NEEDS_APPROVAL <const> = 100
local REMIND_AFTER <const>, REMINDERS <const> = "24h", 6

local function total_of(order)
  local total = 0
  for _, line in ipairs(order.lines) do
    total = total + line.count * line.price
  end
  return total
end

-- Waits for the signal `decision`; nil when nobody has decided in time.
local function await_decision(order, decisions)
  for day = 0, REMINDERS do
    local timeout = time.after(REMIND_AFTER)
    local chosen = channel.select({ decisions:case_receive(), timeout:case_receive() })
    if chosen.channel == decisions then
      return chosen.value
    elseif day < REMINDERS then
      funcs.call("orders:notify", "boss", ("order %s waits for %d days"):format(order.id, day + 1))
    end
  end
  return nil
end

local function main(order)
  local state, address = "received", order.address
  workflow.set_query_handler("state", function()
    return { state = state, address = address }
  end)
  workflow.set_update_handler("address", function(changed)
    address = changed
    return "goes to " .. changed
  end, {
    validator = function(changed)
      if type(changed) ~= "string" or changed == "" then
        error("an address is a text", 0)
      elseif state == "shipping" or state == "shipped" then
        error("the parcel has left", 0)
      end
    end,
  })
  local decisions = process.listen("decision")

  local undo = {}
  -- Does a step and remembers how to undo it. Raises when it cannot be done.
  local function step(name, undo_name, ...)
    local receipt, err = funcs.call(name, ...)
    if err then
      error(err)
    end
    if undo_name then
      table.insert(undo, { undo_name, receipt })
    end
    return receipt
  end

  local total = total_of(order)
  local ok, result = pcall(function()
    if total > NEEDS_APPROVAL then
      state = "waiting for approval"
      local decision = await_decision(order, decisions)
      if not decision then
        error("nobody decided within a week", 0)
      elseif not decision.approved then
        error("rejected by " .. decision.by, 0)
      end
    end
    state = "paying"
    step("orders:charge", "orders:refund", order.id, total)
    state = "packing"
    for _, line in ipairs(order.lines) do
      step("orders:reserve", "orders:release", order.id, line.item, line.count)
    end
    state = "shipping"
    return step("orders:ship", nil, order.id, address)
  end)

  if not ok then
    state = "undoing"
    -- Whatever happens, a request to cancel included: what was taken is given back.
    workflow.non_cancellable(function()
      for at = #undo, 1, -1 do
        funcs.call(undo[at][1], undo[at][2])
      end
    end)
  end
  state = ok and "shipped" or "failed"
  process.send("desk", "ended", { id = order.id, state = state })
  if not ok then
    return nil, result
  end
  return { id = order.id, total = total, parcel = result, address = address }
end

return { main = main }
