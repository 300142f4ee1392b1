local http, time = require("http"), require("time")

local function main()
  local answers = process.listen("count")
  process.send("board", "ask", process.pid())
  local timeout = time.after("1s")
  local got = channel.select({ answers:case_receive(), timeout:case_receive() })
  if got.channel == timeout then
    return nil,
      errors.new({ kind = errors.TIMEOUT, message = "the board does not answer", retryable = true })
  end
  http.response():write_json(got.value)
end

return { main = main }
