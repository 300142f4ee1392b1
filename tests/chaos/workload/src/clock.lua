-- Has a child on a cron schedule, and cancels it when it has ticked often enough.
local function main(name, wanted)
  local ticks, events = process.listen("tick"), process.events()
  local pid = assert(
    process
      .with_options({ ["workflow.id"] = name .. "/tick", ["workflow.cron_schedule"] = "@every 1s" })
      :spawn("chaos:tick", "chaos:durable", process.pid(), name .. "/tick")
  )
  local seen, heard = {}, 0
  while true do
    local got = channel.select({ ticks:case_receive(), events:case_receive() })
    if got.channel == events then
      assert(got.value.from == pid and got.value.result.error:kind() == "Canceled")
      return { enough = heard >= wanted }
    end
    assert(not seen[got.value], "a run has ticked twice")
    seen[got.value] = true
    heard = heard + 1
    if heard >= wanted then
      -- It meets a run at its end, mostly.
      process.cancel(pid, "enough")
    end
  end
end

return { main = main }
