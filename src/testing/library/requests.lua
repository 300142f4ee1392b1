-- `request("POST", "/orders", { body = … })`: what the application's servers answer. The requests travel as those of
-- `http_client`; the world of the test takes them off their way, hands them to the server and wraps its response.
local base64, http_client, json = require("base64"), require("http_client"), require("json")
local registry = require("registry")

local function wrong(number, expected, value)
  local message = ("bad argument #%d to 'request' (%s expected, got %s)"):format(number, expected, type(value))
  error(message, 3)
end

local known <const> = { headers = "table", body = "string or table", server = "string" }

local function check(options)
  for name, value in pairs(options) do
    if not known[name] then
      error("request has no option " .. tostring(name) .. "; it has body, headers and server", 3)
    elseif not known[name]:find(type(value), 1, true) then
      error("request: " .. name .. " is a " .. known[name] .. ", got a " .. type(value), 3)
    end
  end
end

-- The id of the server that is meant.
local function server_of(named)
  if named then
    return named
  end
  local servers = registry.find({ [".kind"] = "http.service" })
  if #servers == 1 then
    return servers[1].id
  end
  local message = #servers == 0 and "the application has no http.service"
    or "the application has " .. #servers .. " servers; name one, such as server = " .. ("%q"):format(servers[1].id)
  error(errors.new({ kind = errors.INVALID, message = message }), 3)
end

--- Sends a request to a server of the application, through its routes and middleware. `options.headers`; `options.body`
--- is a string, or a table that is sent as JSON; `options.server` is the id of the http.service, where there are
--- several. Returns `{ status, headers, cookies, body }`; names of headers are in lower case.
return function(method, path, options)
  if type(method) ~= "string" then
    wrong(1, "string", method)
  elseif type(path) ~= "string" or path:sub(1, 1) ~= "/" then
    wrong(2, "a path that begins with /", path)
  elseif options ~= nil and type(options) ~= "table" then
    wrong(3, "table", options)
  end
  options = options or {}
  check(options)
  local headers, body = {}, options.body
  for name, value in pairs(options.headers or {}) do
    headers[tostring(name):lower()] = tostring(value)
  end
  if type(body) == "table" then
    body = assert(json.encode(body))
    headers["content-type"] = headers["content-type"] or "application/json"
  end
  local envelope = assert(json.encode({
    server = server_of(options.server),
    method = method:upper(),
    path = path,
    headers = headers,
    body = base64.encode(body or ""),
  }))
  -- Of real time: what is served may take any virtual time, and the test has a limit of its own.
  local response = assert(http_client.post("http://wippy.test/request", { body = envelope, timeout = "24h" }))
  local answer = assert(json.decode(response.body))
  if answer.failure then
    error(errors.new({ kind = answer.failure.kind, message = answer.failure.message }), 2)
  end
  answer.body = base64.decode(answer.body)
  return answer
end
