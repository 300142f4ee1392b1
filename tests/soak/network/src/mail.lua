local http, queue, sql = require("http"), require("queue"), require("sql")

local function publish()
  local req = http.request()
  local letter = { id = req:query("id"), n = math.tointeger(tonumber(req:query("n"))) }
  local _, err = queue.publish("net:" .. req:query("queue"), letter)
  if err then
    return nil, err
  end
  http.response():write("published")
end

-- Handles a message; one of three fails at first, each in another way.
local function handle(letter)
  local message = assert(queue.message())
  local db = assert(sql.get("net:db"))
  if message:attempt() == 1 then
    local how = letter.n % 12
    if how == 0 then
      error("told to fail")
    elseif how == 1 then
      return nil, "told to fail"
    elseif how == 2 then
      return assert(message:nack())
    elseif how == 3 then
      -- The transaction is left to the runtime.
      assert(assert(db:begin()):execute("INSERT INTO handled VALUES ('never', 0)"))
      error("told to fail")
    end
  end
  assert(db:execute("INSERT INTO handled VALUES (?, ?)", { letter.id, message:attempt() }))
end

return { publish = publish, handle = handle }
