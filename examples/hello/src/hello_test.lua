local funcs = require("funcs")

describe("greet", function()
  it("says hello", function()
    expect(funcs.call("hello:greet", "Ada")):to_equal("Hello, Ada!")
  end)

  it("needs a name", function()
    expect(function()
      return funcs.call("hello:greet", "")
    end):to_fail("Invalid")
  end)
end)

it("counts greetings by name", function()
  local counter = assert(process.spawn("hello:counter", "hello:processes"))
  local counts = process.listen("count")
  for _, name in ipairs({ "Ada", "Bob", "Ada" }) do
    process.send(counter, "greeted", name)
  end
  expect({ counts:receive(), (counts:receive()), (counts:receive()) }):to_contain(2)
end)

local function welcome()
  return process.exec("hello:welcome", "hello:durable", "Ada")
end

it("welcomes whoever waits three seconds", function()
  local before = clock.now()
  expect(welcome()):to_match("^Hello, Ada!")
  expect(clock.now():sub(before):seconds()):to_be_greater_than(2.99)
end)

it("welcomes them, whatever crashes", function()
  expect(crash.at_every_step(welcome)):to_match("^Hello, Ada!")
end)
