-- Requests that outlive the death of who serves them: the same request is sent again until it is answered. A request
-- carries an identifier, so that it has its effect once however often it arrives.

local server = require("server")
local time = require("time")

local ATTEMPTS <const> = 500

-- The answer, and how often the request had to be sent again.
local function ask(name, request)
  local err
  for again = 0, ATTEMPTS - 1 do
    local answer
    answer, err = server.call(name, request, "2s")
    if err == nil then
      return answer, again
    elseif not err:retryable() and err:kind() ~= errors.NOT_FOUND then
      error(err)
    end
    time.sleep("5ms") -- its supervisor is about to start it again
  end
  error(errors.wrap(err, name .. " does not come back"))
end

return { ask = ask }
