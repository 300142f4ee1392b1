-- Totals as a table for people.

local figures = require("figures")
local io = require("io")

local ROW = "  %-8s %10d %9d %9.1f %8.1f%% %7s"
local HEAD = "  %-8s %10s %9s %9s %9s %7s"

local board = {}

local function row(name, sums)
  local departures = math.max(sums.departures, 1)
  io.print(
    string.format(
      ROW,
      name,
      sums.departures,
      sums.arrivals,
      sums.delay / departures,
      100 * sums.late / departures,
      tostring(sums.worst or "-")
    )
  )
end

-- Prints the airports with the most departures, then the sum of all.
function board.print(totals, count)
  local all, order = figures.none(), {}
  for _, airport in ipairs(totals) do
    all = figures.sum(all, airport.figures)
    order[#order + 1] = airport
  end
  table.sort(order, function(a, b)
    if a.figures.departures ~= b.figures.departures then
      return a.figures.departures > b.figures.departures
    end
    return a.airport < b.airport
  end)
  io.print(string.format(HEAD, "airport", "departures", "arrivals", "avg delay", "late", "worst"))
  for place = 1, math.min(count, #order) do
    row(order[place].airport, order[place].figures)
  end
  row("all " .. #order, all)
end

return board
