-- Call the payment provider here, with http_client. A raised error is retried.
local function main(id, amount)
  return { id = id, charged = amount }
end

return { main = main }
