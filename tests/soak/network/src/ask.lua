local http, http_client, json = require("http"), require("http_client"), require("json")

local ways = {}

function ways.hello(base)
  local res = assert(http_client.get(base .. "/hello"))
  return res.body == "hello" or res.body
end

function ways.echo(base)
  local body = json.encode({ n = math.maxinteger, text = "Grüße" })
  local res = assert(http_client.post(base .. "/echo", { body = body }))
  return res.status_code == 200 and json.decode(res.body).n == math.maxinteger or res.body
end

function ways.batch(base)
  local responses, failures = http_client.request_batch({
    { "GET", base .. "/hello" },
    { "GET", base .. "/hello" },
    { "GET", base .. "/download?parts=2" },
  })
  for i = 1, 3 do
    if not responses or not responses[i] then
      error(failures and failures[i] or "no response")
    elseif responses[i].status_code ~= 200 then
      return responses[i].body
    end
  end
  return responses[3].body_size == 2 * 65536 or "size " .. responses[3].body_size
end

function ways.whole(base)
  local res = assert(http_client.get(base .. "/download?parts=20", { stream = true }))
  if res.status_code ~= 200 then
    return (assert(res.stream:read()))
  end
  local size = 0
  while true do
    local part, err = res.stream:read(65536)
    if err then
      error(err)
    elseif not part then
      return size == 20 * 65536 or "size " .. size
    end
    size = size + #part
  end
end

-- Reads a part of the body; the rest is closed when the function ends.
function ways.part(base)
  local res = assert(http_client.get(base .. "/download?parts=100", { stream = true }))
  return (assert(res.stream:read(1000)) ~= "")
end

function ways.late(base)
  local res, err = http_client.get(base .. "/slow", { timeout = "50ms" })
  return err and err:details().code == "TIMEOUT" or err and err:message() or res.body
end

-- Its client goes away meanwhile.
function ways.slow(base)
  return assert(http_client.get(base .. "/slow")).body
end

-- Has the server ask itself.
local function main()
  local req, res = http.request(), http.response()
  local fine, err = ways[req:query("how")]("http://" .. req:host())
  if fine ~= true then
    res:set_status(502)
  end
  res:write(fine == true and "fine" or tostring(fine or err))
end

return { main = main }
