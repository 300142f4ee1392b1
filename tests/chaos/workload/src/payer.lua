-- Sends updates to a ledger: some are refused, some are sent twice.
local time = require("time")
local workflow = require("workflow")

local function main(name, ledger, rounds, state)
  state = state or { round = 1, refused = 0 }
  local pid = "{chaos:durable|" .. ledger .. "}"
  while state.round <= rounds do
    local id = name .. "-" .. state.round
    local refused, err
    repeat
      refused, err = workflow.update(pid, "add", id, -1)
      -- The ledger may not have been started yet, or close as the run that it continues as.
      if err:kind() ~= "Internal" then
        time.sleep("2ms")
      end
    until err:kind() == "Internal"
    assert(not refused and err:details()._update_status == "rejected", tostring(err))
    state.refused = state.refused + 1
    for _ = 1, 1 + state.round % 2 do
      local times, failure
      repeat
        -- While the journal cannot be written, calls are Unavailable.
        times, failure = workflow.update_with({ id = id }, pid, "add", id, state.round)
      until times or failure:kind() ~= "Unavailable"
      assert(times == 1, tostring(failure or times))
    end
    state.round = state.round + 1
    if state.round % 4 == 0 then
      process.upgrade(nil, name, ledger, rounds, state)
    end
  end
  return { refused = state.refused }
end

return { main = main }
