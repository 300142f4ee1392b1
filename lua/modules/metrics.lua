--- Module `metrics`: counters, gauges and histograms of the application, for Prometheus. A workflow records that it has
-- measured, so that a replay does not do it again.
-- @workflows yes
-- @sandbox yes
local runtime = ...
local check, effects = runtime.check, runtime.effects
local measures = runtime.use("kernel/inspect/measures")

local metrics = {}

-- The labels that are text; whatever else was given is left out.
local function texts(labels)
  local kept = {}
  if type(labels) == "table" then
    for name, value in pairs(labels) do
      if type(name) == "string" and type(value) == "string" then
        kept[name] = value
      end
    end
  end
  return kept
end

local function measure(kind, name, value, labels)
  local kept = texts(labels)
  return effects.record(function()
    measures.add(kind, name, value, kept)
    return true, nil
  end)
end

-- A function that measures what it is given.
local function of_value(called, kind)
  return function(name, value, labels)
    check.string(name, 1, called)
    check.number(value, 2, called)
    return measure(kind, name, value, labels)
  end
end

-- A function that counts one up or down.
local function of_one(called, kind, value)
  return function(name, labels)
    check.string(name, 1, called)
    return measure(kind, name, value, labels)
  end
end

--- Counts one: `true, nil`.
metrics.counter_inc = of_one("counter_inc", "counter", 1)

--- Counts several; what is below 0 is dropped: `true, nil`.
metrics.counter_add = of_value("counter_add", "counter")

--- Sets a gauge: `true, nil`.
metrics.gauge_set = of_value("gauge_set", "gauge")

--- Adds one to a gauge: `true, nil`.
metrics.gauge_inc = of_one("gauge_inc", "change", 1)

--- Takes one from a gauge: `true, nil`.
metrics.gauge_dec = of_one("gauge_dec", "change", -1)

--- Adds a value to a histogram: `true, nil`.
metrics.histogram = of_value("histogram", "histogram")

return metrics
