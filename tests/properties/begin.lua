-- Starts a program and its ledger, or joins those that are there, and answers what became of both.
local function main(program)
  local events = process.events()
  local function join(id, entry, ...)
    return assert(
      process
        .with_options({ ["workflow.id"] = id, ["workflow.id_reuse_policy"] = "reject_duplicate" })
        :spawn_monitored(entry, "app:durable", ...)
    )
  end
  local ledger = join("ledger", "app:ledger")
  local pid = join("main", "app:program", "main", program, {})
  local event = events:receive()
  while event.from ~= pid do
    event = events:receive()
  end
  local result = event.result
  if result.error then
    return nil, result.error
  end
  -- It may be on a worker that dies.
  local counted
  repeat
    counted = process.exec("app:await", "app:processes", ledger)
  until counted
  return { result = result.value, ledger = counted }
end

return { main = main }
