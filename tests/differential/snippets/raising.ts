/**
 * Each way of raising an error, under each way of catching it: all combinations, each in a coroutine and again behind a
 * yield, since `pcall` and `error` need no C frames there.
 */
const RAISING: Readonly<Record<string, string>> = {
  "a text": "error('text')",
  "a text without a position": "error('text', 0)",
  "a text of the caller": "error('text', 2)",
  "a text of the caller's caller": "error('text', 3)",
  "a table": "error({ 'in a table' })",
  "nil": "error()",
  "a number": "error(12)",
  "an object with a text":
    "error(setmetatable({}, { __tostring = function() return 'object' end }))",
  "assert": "assert(false, 'asserted')",
  "assert of nil": "assert(nil)",
  "assert with a table": "assert(false, { 'in a table' })",
  "an instruction": "local x; x.y = 1",
  "a C function": "string.rep()",
  "a call of nil": "local x; x()",
  "a tail call": "return error('text')",
  "deep": "(function() (function() (function() error('deep') end)() end)() end)()",
  "deep in a recursion":
    "local function r(n) if n == 0 then error('bottom') end r(n - 1) return n end r(5000)",
  "in a metamethod": "local _ = setmetatable({}, { __index = function() error('index') end }).key",
  "in a comparator": "table.sort({ 3, 2, 1 }, function() error('sort') end)",
  "in an iterator": "for _ in function() error('iterator') end do end",
  "in a generator": "coroutine.wrap(function() error('generator') end)()",
  "in a generator behind a yield":
    "local g = coroutine.wrap(function() coroutine.yield(1) error('generator') end) g() g()",
  "behind a yield": "coroutine.yield('before') error('behind')",
  "behind a caught one": "pcall(error, 'inner') error('outer')",
  "behind a success": "pcall(function() return 1 end) error('outer')",
  "closing variables":
    "local c <close> = setmetatable({}, { __close = function(_, e) print('closing', show(e)) end }) error('open')",
  "closing variables that yield":
    "local c <close> = setmetatable({}, { __close = function(_, e) coroutine.yield('closing', show(e)) end }) error('open')",
  "closing variables that raise":
    "local c <close> = setmetatable({}, { __close = function(_, e) error('closing: ' .. show(e), 0) end }) error('open')",
  "closing variables that catch":
    "local c <close> = setmetatable({}, { __close = function() print(pcall(error, 'caught')) end }) error('open')",
  "nothing": "return 1, nil, 3",
};

const CATCHING: Readonly<Record<string, string>> = {
  "pcall": "return pcall(raise)",
  "pcall with arguments": "return pcall(raise, 1, nil, 3, nil)",
  "pcall of a vararg": "return pcall(function(...) return raise(...) end, 1, 2, 3)",
  "pcall of pcall": "return pcall(pcall, raise)",
  "pcall in pcall in pcall":
    "return pcall(function() return pcall(function() return pcall(raise) end) end)",
  "xpcall": "return xpcall(raise, function(e) return 'handled ' .. show(e) end)",
  "xpcall with arguments": "return xpcall(raise, show, 1, nil, 3)",
  "xpcall with a handler that raises":
    "return xpcall(raise, function(e) if type(e) == 'string' and #e > 60 then return e end error(show(e) .. '!', 0) end)",
  "xpcall with a traceback": "return xpcall(raise, debug.traceback)",
  "pcall in xpcall": "return xpcall(function() return pcall(raise) end, show)",
  "xpcall in pcall":
    "return pcall(function() local ok, v = xpcall(raise, show) error(show(v), 0) end)",
  "a plain call of pcall": "local ok, v, w = pcall(raise) return ok, v, w",
  "a vararg of pcall": "return (function(...) return select('#', ...), ... end)(pcall(raise))",
  "a table of pcall": "local t = table.pack(pcall(raise)) return t.n, table.unpack(t, 1, t.n)",
  "a loop":
    "local s = {} for i = 1, 3 do s[i] = show(select(2, pcall(raise, i))) end return table.unpack(s)",
  "a callable":
    "return pcall(setmetatable({}, { __call = function(_, ...) return raise(...) end }), 1)",
  "a coroutine":
    "local co = coroutine.create(raise) local r repeat r = table.pack(coroutine.resume(co)) until coroutine.status(co) == 'dead' return table.unpack(r, 1, r.n)",
  "a comparator":
    "local r table.sort({ 2, 1 }, function() r = r or table.pack(pcall(raise)) return false end) return table.unpack(r, 1, r.n)",
};

/** What yields in the middle of C code, which no Lua allows, raises other errors there: only their number matters. */
function combine(): string {
  const snippets: string[] = [];
  for (const [way, statement] of Object.entries(RAISING)) {
    for (const [place, code] of Object.entries(CATCHING)) {
      snippets.push(`-- raising ${way}, caught by ${place}
local function show(v) return type(v) == "table" and "table " .. tostring(v[1]) or tostring(v) end
local function raise(...) ${statement} end
local function catch() ${code} end
local function report(...)
  local parts = table.pack(...)
  for i = 1, parts.n do parts[i] = show(parts[i]) end
  print(parts.n, table.concat(parts, " "))
end
local co = coroutine.create(function()
  report(catch())
  coroutine.yield("between")
  report(catch())
  report(catch())
  return "end"
end)
for _ = 1, 20 do
  report(coroutine.status(co), coroutine.resume(co))
  if coroutine.status(co) == "dead" then break end
end`);
    }
  }
  return snippets.join("\n\n");
}

/** What no combination has. */
const more = `
-- pcall without arguments
local co = coroutine.wrap(function() print(pcall(pcall)) print(pcall(xpcall)) print(pcall(xpcall, print)) print(pcall(xpcall, print, 1)) return "end" end)
print(co())

-- pcall as the body of a coroutine
local co = coroutine.create(pcall)
print(coroutine.resume(co, function(...) coroutine.yield(...) error("raised") end, 1, 2))
print(coroutine.resume(co))
print(coroutine.status(co))

-- error as the body of a coroutine
print(coroutine.resume(coroutine.create(error), "raised"))
print(coroutine.resume(coroutine.create(pcall), error, "raised"))

-- pcall in itself, beyond the C levels
local function nest(n) if n == 0 then return "bottom" end local ok, v = pcall(nest, n - 1) return v end
print(coroutine.wrap(function() return nest(100), nest(180) end)())
print((coroutine.wrap(function() return nest(300) end)():gsub("snippet:%d+", "snippet")))

-- pcall in itself without an end (overflow)
local depth = 0
local function nest() depth = depth + 1 return pcall(nest) end
print(coroutine.wrap(function() local results = table.pack(nest()) return results.n < 250, results[results.n] end)())
print(depth > 150, depth < 250)

-- C levels after an error and after a yield
local function nest(n) if n == 0 then return "bottom" end local ok, v = pcall(nest, n - 1) return v end
local co = coroutine.wrap(function()
  for i = 1, 300 do pcall(error, i) end
  print(nest(150))
  pcall(function() coroutine.yield() error("x") end)
  print(nest(150))
  for i = 1, 300 do pcall(coroutine.yield, i) end
  print(nest(150))
  return "end"
end)
local v repeat v = co() until v == "end"

-- coroutines and pcall in each other
local function nest(n)
  if n == 0 then error("bottom", 0) end
  local ok, v = pcall(function() return coroutine.wrap(function() return nest(n - 1) end)() end)
  error(v .. n, 0)
end
print(pcall(nest, 20))
print(coroutine.wrap(function() return pcall(nest, 20) end)())

-- a stack overflow, caught and then more errors (overflow)
local function deep() return 1 + deep() end
local co = coroutine.wrap(function()
  for i = 1, 3 do
    local ok, message = pcall(deep)
    print(ok, message:match("stack overflow"))
    print(pcall(error, i))
  end
  return "end"
end)
print(co())

-- hooks see calls and returns of pcall and error
local co = coroutine.create(function()
  local names = {}
  debug.sethook(function(event)
    local info = debug.getinfo(2, "nS")
    names[#names + 1] = event .. " " .. tostring(info.name) .. " " .. info.what
  end, "cr")
  pcall(error, "x")
  pcall(function() error("y") end)
  xpcall(function() return 1 end, print)
  pcall(pcall, function() return 2 end)
  debug.sethook()
  return names
end)
local ok, names = coroutine.resume(co)
print(table.concat(names, "\\n"))

-- lines are hooked behind pcall
local co = coroutine.create(function()
  local lines = {}
  local first = debug.getinfo(1, "l").currentline
  debug.sethook(function(_, line) lines[#lines + 1] = line - first end, "l")
  pcall(error, "x")
  local a = 1
  pcall(function()
    error("y")
  end)
  local b = 2
  debug.sethook()
  return lines
end)
local ok, lines = coroutine.resume(co)
print(table.concat(lines, " "))

-- where an error in a pcall in a hook goes
local co = coroutine.create(function()
  local count = 0
  debug.sethook(function() count = count + 1 print(pcall(error, "in the hook")) end, "c")
  pcall(error, "outside")
  debug.sethook()
  return count > 0
end)
print(coroutine.resume(co))

-- a coroutine is closed inside of pcall
local co = coroutine.create(function()
  local c <close> = setmetatable({}, { __close = function(_, e) print("outer", e) end })
  pcall(function()
    local c <close> = setmetatable({}, { __close = function(_, e) print("inner", e) end })
    pcall(coroutine.yield, "parked")
    print("not reached")
  end)
end)
print(coroutine.resume(co))
print(coroutine.close(co))
print(coroutine.status(co))

-- a traceback from inside of pcall
local co = coroutine.create(function() pcall(function() coroutine.yield() end) end)
coroutine.resume(co)
print(debug.traceback(co))
print(debug.traceback(co, "message", 1))
print(coroutine.wrap(function() return select(2, pcall(function() return debug.traceback("here") end)) end)())

-- upvalues survive the error that closes them
local co = coroutine.wrap(function()
  local get, set
  pcall(function()
    local v = 1
    get, set = function() return v end, function(n) v = n end
    set(5)
    error("x")
  end)
  set(get() + 1)
  return get()
end)
print(co())

-- garbage is collected while errors are caught
local co = coroutine.wrap(function()
  local sum = 0
  for i = 1, 200 do
    local ok, v = pcall(function(t) collectgarbage("step") error({ value = t[1] + i }) end, { i })
    sum = sum + v.value
    local ok, w = xpcall(function() local t = { i } collectgarbage() return t[1] end, print)
    sum = sum + w
  end
  return sum
end)
print(co())

-- finalizers that raise and catch
local co = coroutine.wrap(function()
  local seen = 0
  for _ = 1, 20 do
    setmetatable({}, { __gc = function() seen = seen + 1 pcall(error, "in a finalizer") end })
  end
  pcall(function() collectgarbage() error("x") end)
  collectgarbage()
  return seen
end)
print(co())

-- many arguments and results through pcall
local co = coroutine.wrap(function()
  local t = {}
  for i = 1, 5000 do t[i] = i end
  local r = table.pack(pcall(function(...) return select("#", ...), ... end, table.unpack(t)))
  print(r.n, r[2], r[5002])
  local r = table.pack(xpcall(function(...) return ... end, print, table.unpack(t)))
  print(r.n, r[5001])
  return "end"
end)
print(co())

-- integers as texts
for _, n in ipairs({ 0, 1, -1, 9, 10, 99, 100, -100, 12345678901234, math.maxinteger, math.mininteger, math.mininteger + 1 }) do
  print(n, "" .. n, tostring(n), string.format("%d %s", n, n), #tostring(n), n .. n)
end
for i = 0, 63 do print(1 << i, -(1 << i), (1 << i) - 1) end
local p = 1
for i = 0, 18 do print(p, p - 1, -p, tostring(p) .. "|") p = p * 10 end
`;

export const raising = `${combine()}\n\n${more.trim()}`;
