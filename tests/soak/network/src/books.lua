local funcs, http, sql, time = require("funcs"), require("http"), require("sql"), require("time")

-- No key is unique: what is written twice is there twice.
local tables = [[
  CREATE TABLE entries (id TEXT NOT NULL);
  CREATE TABLE lines (entry TEXT NOT NULL, n INTEGER NOT NULL);
  CREATE TABLE handled (id TEXT NOT NULL, attempt INTEGER NOT NULL);
]]

local function prepare()
  assert(assert(sql.get("net:db")):execute(tables))
end

-- A transaction in which the entry is made, with its two lines.
local function enter(id)
  local tx, err = assert(sql.get("net:db")):begin()
  if err then
    return nil, err
  end
  assert(tx:execute("INSERT INTO entries VALUES (?)", { id }))
  assert(tx:execute("INSERT INTO lines VALUES (?, 1), (?, 2)", { id, id }))
  return tx
end

local function hold(id)
  assert(enter(id))
  time.sleep("1m")
end

local function write()
  local req, res = http.request(), http.response()
  local id, how = req:query("id"), req:query("how")
  if how == "cancel" then
    local future = funcs.async("net:hold", id)
    time.sleep("10ms")
    future:cancel()
    return res:write("ended")
  elseif how == "hold" then
    return hold(id)
  end
  local tx, err = enter(id)
  if err then
    return nil, err
  elseif how == "raise" then
    error("told to fail")
  elseif how == "rollback" then
    assert(tx:rollback())
  elseif how == "commit" then
    assert(tx:commit())
  end
  res:write("ended")
end

return { prepare = prepare, hold = hold, write = write }
