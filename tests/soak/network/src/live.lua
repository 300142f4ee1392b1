local http, json = require("http"), require("json")

local function connect(header, settings)
  local res = http.response()
  settings.target_pid = process.registry.lookup("room")
  if not settings.target_pid then
    res:set_status(503)
    return res:write("there is no room")
  end
  res:set_header(header, json.encode(settings))
end

local function events()
  connect("X-SSE-Relay", { message_topic = "tick" })
end

local function socket()
  connect("X-WS-Relay", {})
end

return { events = events, socket = socket }
