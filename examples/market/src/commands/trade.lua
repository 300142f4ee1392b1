-- `wippy run trade [SEED [json]]`: lets traders trade while instruments are killed, then audits what is left.

local ask = require("ask").ask
local audit = require("audit")
local io = require("io")
local json = require("json")

local HOST <const> = "market:processes"
local SYMBOLS <const> = { "ACME", "BOLT", "CRAB" }
local TRADERS <const>, ACTIONS <const> = 8, 60

-- Everything of a paged list.
local function all(name, op)
  local list = {}
  repeat
    local page = ask(name, { op = op, after = #list })
    table.move(page, 1, #page, #list + 1, list)
  until #page == 0
  return list
end

local function trade(seed)
  local events, running, traders = process.events(), {}, {}
  for number = 1, TRADERS do
    local name = "T" .. number
    local pid = assert(
      process.spawn_monitored("market:trader", HOST, name, seed * 100 + number, ACTIONS, SYMBOLS)
    )
    running[pid] = name
  end
  local killer = assert(process.spawn_monitored("market:killer", HOST, seed, SYMBOLS))
  local kills
  while kills == nil do
    local exit = events:receive()
    if exit.kind == process.event.CANCEL then
      return nil, "canceled"
    elseif exit.result.error then
      return nil, exit.result.error
    elseif exit.from == killer then
      kills = exit.result.value
    else
      traders[#traders + 1] = exit.result.value
      running[exit.from] = nil
    end
    if exit.from ~= killer and not next(running) then
      process.cancel(killer)
    end
  end
  return { traders = traders, kills = kills }
end

local function gather(data)
  data.books, data.journals = {}, {}
  for _, symbol in ipairs(SYMBOLS) do
    data.books[symbol] = ask("instrument." .. symbol, { op = "book" })
    data.journals[symbol] = all("journal." .. symbol, "read")
  end
  data.trades = all("clearing", "trades")
  data.accounts = ask("clearing", { op = "accounts" })
end

local function print_summary(data, seed)
  local requests, again = 0, 0
  for _, trader in ipairs(data.traders) do
    requests, again = requests + #trader.acknowledged, again + trader.again
  end
  io.print(("seed %d: %d requests of %d traders"):format(seed, requests, #data.traders))
  io.print(("%d instruments killed, %d requests sent again"):format(data.kills, again))
  io.print("")
  io.print(("%-6s %8s %8s %8s %8s"):format("", "requests", "trades", "bids", "asks"))
  for _, symbol in ipairs(SYMBOLS) do
    local made, book = 0, data.books[symbol]
    for _, one in ipairs(data.trades) do
      made = made + (one.symbol == symbol and 1 or 0)
    end
    local row = "%-6s %8d %8d %8d %8d"
    io.print(row:format(symbol, #data.journals[symbol], made, #book.bids, #book.asks))
  end
  io.print("")
end

local function main()
  local args = io.args()
  local seed = math.tointeger(tonumber(args[1] or "1"))
  if not seed or (args[2] and args[2] ~= "json") then
    return nil, "use `trade SEED` or `trade SEED json`, where SEED is a whole number"
  end
  for _, symbol in ipairs(SYMBOLS) do
    ask("instrument." .. symbol, { op = "book" }) -- services start beside the command
  end
  local data, err = trade(seed)
  if not data then
    return nil, err
  end
  gather(data)
  if args[2] then
    io.print(json.encode(data))
    return
  end
  print_summary(data, seed)
  local problems = audit.problems(data)
  for _, problem in ipairs(problems) do
    io.print(problem)
  end
  if #problems > 0 then
    return nil, #problems .. " things do not hold"
  end
  io.print("no acknowledged request lost, no limit crossed, quantities, cash and positions add up")
end

return { main = main }
