local crypto, env, http, json = require("crypto"), require("env"), require("http"), require("json")

-- An event is known by its id: the provider repeats a webhook until it gets an answer, and all of them are one run.
local options = { ["workflow.id_reuse_policy"] = "reject_duplicate" }

local function main()
  local req, res = assert(http.request({ max_body = 64 * 1024 })), http.response()
  local body = assert(req:body())
  local signature = crypto.hmac.sha256(assert(env.get("WEBHOOK_SECRET")), body)
  if not crypto.constant_time_compare(signature, req:header("X-Signature") or "") then
    return res:set_status(http.STATUS.UNAUTHORIZED)
  end
  local event = json.decode(body)
  if
    type(event) ~= "table"
    or type(event.id) ~= "string"
    or math.type(event.amount) ~= "integer"
  then
    return res:set_status(http.STATUS.BAD_REQUEST)
  end
  options["workflow.id"] = event.id
  local _, err = process.with_options(options):spawn("webhooks:payment", "webhooks:durable", event)
  if err and err:kind() ~= "AlreadyExists" then
    return nil, err
  end
  res:set_status(http.STATUS.ACCEPTED)
end

return { main = main }
