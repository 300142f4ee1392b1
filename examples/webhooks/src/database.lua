local sql = require("sql")

local tables = {
  "CREATE TABLE IF NOT EXISTS ledger (id VARCHAR(100) PRIMARY KEY, payment TEXT NOT NULL, amount BIGINT NOT NULL)",
  "CREATE TABLE IF NOT EXISTS payments (id VARCHAR(100) PRIMARY KEY, amount BIGINT NOT NULL, entry TEXT NOT NULL)",
  "CREATE TABLE IF NOT EXISTS shown (payment VARCHAR(100), stage VARCHAR(20), PRIMARY KEY (payment, stage))",
}

local database, prepared = {}, false

-- Inserts a row unless its key is there already, so that doing it twice is the same as once. Returns whether it was
-- new.
function database.insert_once(name, row)
  local db = assert(sql.get("webhooks:db"))
  for _, statement in ipairs(prepared and {} or tables) do
    assert(db:execute(statement))
  end
  prepared = true
  local columns, values = {}, {}
  for column, value in pairs(row) do
    columns[#columns + 1], values[#values + 1] = column, value
  end
  local insert =
    sql.builder.insert(name):columns(table.unpack(columns)):values(table.unpack(values))
  return assert(insert:suffix("ON CONFLICT DO NOTHING"):run_with(db):exec()).rows_affected > 0
end

return database
