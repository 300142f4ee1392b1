-- What the reports on disk say of every airport: { [code] = { [batch] = figures } }.
-- With a code, of that airport alone. The supervisor gives it to a process that (re)starts.

local disk = require("disk")

local function main(only)
  local history = {}
  for _, batch in ipairs(disk.recorded()) do
    for code, figures in pairs(disk.read_report(batch).airports) do
      if not only or code == only then
        history[code] = history[code] or {}
        history[code][batch] = figures
      end
    end
  end
  return history
end

return { main = main }
