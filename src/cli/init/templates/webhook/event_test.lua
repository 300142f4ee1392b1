local signature = require("signature")

describe("a signature", function()
  it("matches its body", function()
    expect(signature.fits("{}", signature.sign("{}"))):to_be_true()
  end)

  it("matches no other body", function()
    expect(signature.fits("{ }", signature.sign("{}"))):to_be_false()
  end)
end)

it("handles an event, whatever crashes", function()
  local handle = mock("app:handle", function(event)
    return { handled = event.id }
  end)
  local result = crash.at_every_step(function()
    return process.exec("app:event", "app:durable", { id = "evt_1" })
  end)
  expect(result):to_equal({ handled = "evt_1" })
  expect(handle):to_have_been_called_with({ id = "evt_1" })
end)
