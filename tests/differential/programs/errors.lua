local function risky(kind)
  if kind == "string" then error("a string") end
  if kind == "level" then error("level two", 2) end
  if kind == "plain" then error("no position", 0) end
  if kind == "table" then error({ code = 42 }) end
  if kind == "nil" then error() end
  if kind == "index" then local t return t.x end
  if kind == "field" then local t = { a = {} } return t.a.b.c end
  if kind == "call" then local t = {} t.method() end
  if kind == "global" then undefined_function() end
  if kind == "arith" then return {} + 1 end
  if kind == "concat" then return "x" .. {} end
  if kind == "compare" then return {} < {} end
  if kind == "assert" then assert(false, "asserted") end
  if kind == "assert table" then assert(nil, { 1 }) end
  if kind == "assert none" then assert(false) end
  return "fine"
end
for _, kind in ipairs({ "string", "level", "plain", "table", "nil", "index", "field", "call", "global", "arith", "concat", "compare", "assert", "assert table", "assert none", "none" }) do
  local ok, message = pcall(risky, kind)
  print(kind, ok, type(message) == "table" and "table " .. tostring(message.code or message[1]) or message)
end
print(xpcall(risky, function(m) return "handled: " .. tostring(m) end, "string"))
print(select("#", xpcall(risky, debug.traceback, "string")), (select(2, xpcall(risky, debug.traceback, "string")):match("^[^\n]+\nstack traceback:")))
print(pcall(pcall)) print(pcall(error)) print(select(2, pcall(error, setmetatable({}, { __tostring = function() return "custom" end }))))
local ok, e = pcall(function() local x <const> = 1 local ok, e = pcall(error, "inner") error("outer < " .. e, 0) end) print(ok, e)
local function depth(n) return 1 + depth(n + 1) end
local ok2, e2 = pcall(depth, 1) print(ok2, tostring(e2):match("stack overflow"))
print(pcall(string.rep)) print(pcall(setmetatable, 1, {})) print(pcall(ipairs)) print(pcall(("x").rep, "x", {}))
