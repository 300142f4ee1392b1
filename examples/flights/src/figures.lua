-- Adding flights up by airport. All figures are integers, so sums are exact in any order.
--
--   departures, arrivals   flights that left, flights that came in
--   delay                  minutes of delay of the departures, early ones counted below zero
--   late                   departures with 15 minutes of delay or more
--   worst                  the largest delay of a departure; absent without departures
--   miles                  distance of the departures

local LATE = 15

local figures = {}

function figures.none()
  return { departures = 0, arrivals = 0, delay = 0, late = 0, miles = 0 }
end

-- Figures of every airport that the clean records name: { [code] = figures }.
function figures.by_airport(records)
  local airports = {}
  local function at(code)
    local found = airports[code]
    if not found then
      found = figures.none()
      airports[code] = found
    end
    return found
  end
  for _, flight in ipairs(records) do
    local from, to = at(flight.origin), at(flight.destination)
    from.departures = from.departures + 1
    from.delay = from.delay + flight.delay
    from.miles = from.miles + flight.distance
    from.worst = math.max(from.worst or flight.delay, flight.delay)
    if flight.delay >= LATE then
      from.late = from.late + 1
    end
    to.arrivals = to.arrivals + 1
  end
  return airports
end

-- The sum of two figures, as a new table.
function figures.sum(a, b)
  local worst = a.worst
  if b.worst and (not worst or b.worst > worst) then
    worst = b.worst
  end
  return {
    departures = a.departures + b.departures,
    arrivals = a.arrivals + b.arrivals,
    delay = a.delay + b.delay,
    late = a.late + b.late,
    miles = a.miles + b.miles,
    worst = worst,
  }
end

return figures
