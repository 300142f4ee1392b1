local database = require("database")

-- Writes a payment to the books. An attempt after a crash finds it there, which is as good.
local function main(event, entry)
  database.insert_once("payments", { id = event.id, amount = event.amount, entry = entry })
  return true
end

return { main = main }
