local activity, env, http_client = require("activity"), require("env"), require("http_client")
local json = require("json")

-- Enters a payment into the ledger; returns the number of its entry. Every attempt has the same key, by which the
-- ledger knows a repetition.
local function main(event)
  local res, err = http_client.post(assert(env.get("LEDGER_URL")) .. "/entries", {
    headers = {
      ["Content-Type"] = "application/json",
      ["Idempotency-Key"] = activity.info().idempotency_token,
    },
    body = json.encode({ payment = event.id, amount = event.amount }),
    timeout = "5s",
  })
  if err then
    return nil, err
  elseif res.status_code >= 500 then
    error("the ledger answered " .. res.status_code) -- it is tried again
  elseif res.status_code ~= 200 then
    return nil, "the ledger answered " .. res.status_code
  end
  return json.decode(res.body).entry
end

return { main = main }
