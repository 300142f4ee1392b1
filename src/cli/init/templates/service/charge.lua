-- Here the payment provider would be called, with http_client. A failure that is raised is tried again.
local function main(id, amount)
  return { id = id, charged = amount }
end

return { main = main }
