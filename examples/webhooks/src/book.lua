local database = require("database")

-- Writes a payment to the books.
local function main(event, entry)
  return database.insert_once("payments", { id = event.id, amount = event.amount, entry = entry })
end

return { main = main }
