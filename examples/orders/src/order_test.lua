local order =
  { id = "A-1", address = "Harbour 3", lines = { { item = "tea", count = 2, price = 20 } } }
local dear =
  { id = "B-2", address = "Harbour 3", lines = { { item = "piano", count = 1, price = 900 } } }

-- The steps of an order, which note what was done; the step of that name cannot be done.
local function world(broken)
  local steps = {}
  for _, name in ipairs({ "charge", "refund", "reserve", "release", "ship", "notify" }) do
    steps[name] = mock("orders:" .. name, function(...)
      if name == broken then
        return nil,
          errors.new({ kind = errors.CONFLICT, message = "cannot " .. name, retryable = false })
      end
      return name .. "d " .. tostring((...))
    end)
  end
  return steps
end

local function run(what)
  return process.exec("orders:order", "orders:durable", what)
end

it("ships what is paid, whatever crashes", function()
  local steps = world()
  local result = crash.at_every_step(function()
    return run(order)
  end)
  expect(result):to_equal({ id = "A-1", total = 40, parcel = "shipd A-1", address = "Harbour 3" })
  expect(steps.charge):to_have_been_called_with("A-1", 40)
  expect(steps.refund).never:to_have_been_called()
end)

it("gives back what was taken when shipping cannot be done, last step first", function()
  local steps = world("ship")
  crash.at_every_step(function()
    return (select(2, run(order)):message())
  end)
  expect(steps.release):to_have_been_called_with("reserved A-1")
  expect(steps.refund):to_have_been_called_with("charged A-1")
end)

it("reminds the boss for a week, then gives up", function()
  local steps = world()
  local before = clock.now()
  local result, err = run(dear)
  expect(result):to_be_nil()
  expect(err):to_match("nobody decided within a week")
  expect(steps.notify):to_have_been_called(6)
  expect(clock.now():sub(before):hours()):to_be_near(7 * 24, 0.1)
  expect(steps.charge).never:to_have_been_called()
end)

it("goes on when it is approved", function()
  world()
  local pid = assert(process.spawn("orders:order", "orders:durable", dear))
  local events = process.events()
  assert(process.monitor(pid))
  clock:advance("30h")
  process.send(pid, "decision", { approved = true, by = "Ada" })
  expect(events:receive().result.value.total):to_equal(900)
end)
