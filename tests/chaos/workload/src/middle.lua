-- Starts its children and closes at once.
local function main(top, id)
  local count = 0
  for _, policy in ipairs({ "terminate", "abandon", "request_cancel" }) do
    assert(
      process
        .with_options({
          ["workflow.id"] = id .. "/" .. policy,
          ["workflow.parent_close_policy"] = policy,
        })
        :spawn("chaos:leaf", "chaos:durable", top, id, policy)
    )
    count = count + 1
  end
  return count
end

return { main = main }
