local http, json, price = require("http"), require("json"), require("price")

local function main()
  local req, res = http.request(), http.response()
  local order, reason = price.check(json.decode(req:body() or ""))
  if not order then
    res:set_status(http.STATUS.BAD_REQUEST)
    return res:write_json({ error = tostring(reason) })
  end
  -- One run per id: a repeated order gets the existing run.
  local options = { ["workflow.id"] = "order-" .. order.id }
  local _, err =
    process.with_options(options):spawn("app:order", "app:durable", order.id, price.total(order))
  if err and err:kind() ~= "AlreadyExists" then
    return nil, err
  end
  res:set_status(http.STATUS.ACCEPTED)
  res:write_json({ workflow = options["workflow.id"], total = price.total(order) })
end

return { main = main }
