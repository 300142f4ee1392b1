local http, json = require("http"), require("json")

-- Connects a page to the board, which sends it what happens.
local function main()
  local board = assert(process.registry.lookup("board"))
  local stream = { target_pid = board, message_topic = "progress" }
  http.response():set_header("X-SSE-Relay", json.encode(stream))
end

return { main = main }
