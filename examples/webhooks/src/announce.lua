local database = require("database")

-- A message may be delivered again: the table knows what the pages have been shown.
local function main(progress)
  if database.insert_once("shown", { payment = progress.payment, stage = progress.stage }) then
    process.send("board", "progress", progress)
  end
end

return { main = main }
