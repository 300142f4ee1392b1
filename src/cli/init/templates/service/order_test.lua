local price = require("price")

local order = { id = "1", lines = { { item = "tea", count = 3, price = 2.5 } } }

describe("price", function()
  it("adds the lines", function()
    expect(price.total(order)):to_equal(7.5)
  end)

  it("refuses an order without lines", function()
    local refused, reason = price.check({ id = "1", lines = {} })
    expect(refused):to_be_nil()
    expect(tostring(reason)):to_match("lines")
  end)
end)

it("charges once, whatever crashes", function()
  local charge = mock("app:charge", function(id, amount)
    return { id = id, charged = amount }
  end)
  local receipt = crash.at_every_step(function()
    return process.exec("app:order", "app:durable", "1", 7.5)
  end)
  expect(receipt):to_equal({ id = "1", charged = 7.5 })
  expect(charge):to_have_been_called_with("1", 7.5)
end)

it("counts orders", function()
  local counts = process.listen("count")
  process.exec("app:order", "app:durable", "1", 7.5)
  process.send("board", "ask", process.pid())
  expect(counts:receive()):to_equal({ placed = 1, charged = 1 })
end)
