local database, http = require("database"), require("http")

-- Stands for another company's API: it answers every third request with an error, and knows a repetition by its key.
local requests = 0

local function main()
  local req, res = assert(http.request()), http.response()
  requests = requests + 1
  if requests % 3 == 0 then
    return res:set_status(http.STATUS.SERVICE_UNAVAILABLE)
  end
  local key, order = assert(req:header("Idempotency-Key")), assert(req:body_json())
  database.insert_once("ledger", { id = key, payment = order.payment, amount = order.amount })
  res:write_json({ entry = key })
end

return { main = main }
