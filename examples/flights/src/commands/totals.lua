-- `wippy run totals`: what the processes hold, as a table. `wippy run totals json`: for programs.

local ask = require("ask")
local board = require("board")
local io = require("io")
local json = require("json")

local function main()
  local form = io.args()[1]
  if form and form ~= "json" then
    return nil, 'unknown form "' .. form .. '": use `totals` or `totals json`'
  end
  local ready, err = ask.ready()
  if not ready then
    return nil, err
  end
  local totals, totals_err = ask.all_totals()
  if not totals then
    return nil, totals_err
  end
  if form == "json" then
    io.print((json.encode(totals)))
  elseif #totals == 0 then
    io.print("no reports yet: make them with `wippy run report`")
  else
    board.print(totals, 10)
  end
end

return { main = main }
