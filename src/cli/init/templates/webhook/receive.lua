local http, json, signature = require("http"), require("json"), require("signature")

local function main()
  local req, res = assert(http.request({ max_body = 64 * 1024 })), http.response()
  local body = assert(req:body())
  if not signature.fits(body, req:header("X-Signature") or "") then
    return res:set_status(http.STATUS.UNAUTHORIZED)
  end
  local event = json.decode(body)
  if type(event) ~= "table" or type(event.id) ~= "string" then
    return res:set_status(http.STATUS.BAD_REQUEST)
  end
  -- The sender repeats an event until it gets a response: all copies are one run.
  local options = { ["workflow.id"] = event.id, ["workflow.id_reuse_policy"] = "reject_duplicate" }
  local _, err = process.with_options(options):spawn("app:event", "app:durable", event)
  if err and err:kind() ~= "AlreadyExists" then
    return nil, err
  end
  res:set_status(http.STATUS.ACCEPTED)
end

return { main = main }
