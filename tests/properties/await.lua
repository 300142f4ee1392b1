-- Tells the ledger to finish and answers what it says.
local function main(ledger)
  assert(process.monitor(ledger))
  process.send(ledger, "finish")
  return process.events():receive().result.value
end

return { main = main }
