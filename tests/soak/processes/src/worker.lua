-- Messages are { from = sender, n = 1, 2, 3 … }, or what to do. A wrong number ends it with a failure that says so.
local function main()
  local inbox, next_number = process.inbox(), {}
  while true do
    local message = inbox:receive()
    local body = message:payload():data()
    if type(body) == "table" then
      local from = message:from()
      local expected = next_number[from] or 1
      if body.n ~= expected then
        error("out of order: " .. body.n .. " in the place of " .. expected)
      end
      next_number[from] = expected + 1
    elseif body == "fail" then
      error("told to fail")
    else
      return body
    end
  end
end

return { main = main }
