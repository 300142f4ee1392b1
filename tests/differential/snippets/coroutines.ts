/** Yields, resumes, wrapped functions: what the transform touches most. */
export const coroutines = String.raw`
-- yield and resume pass values both ways
local co = coroutine.create(function(a, b)
  local c = coroutine.yield(a + b)
  local d, e = coroutine.yield(c * 2)
  return d, e
end)
print(coroutine.resume(co, 1, 2))
print(coroutine.resume(co, 10))
print(coroutine.resume(co, "d", "e"))
print(coroutine.resume(co))
print(coroutine.status(co))

-- yield across pcall
local co = coroutine.wrap(function()
  local ok, v = pcall(function() return coroutine.yield(1) + 1 end)
  coroutine.yield(ok, v)
  return pcall(function() coroutine.yield(2) error("after") end)
end)
print(co()) print(co(41)) print(co()) print(co())

-- yield across xpcall with a handler
local co = coroutine.wrap(function()
  return xpcall(function(...) coroutine.yield(...) error("oops") end,
    function(m) return "handled " .. m end, 1, 2)
end)
print(co()) print(co())

-- yield inside the message handler is refused
local co = coroutine.create(function()
  return xpcall(error, function(m) return (pcall(coroutine.yield, m)) end, "e")
end)
print(coroutine.resume(co))

-- nested pcalls with yields at each level
local co = coroutine.wrap(function()
  return pcall(function()
    coroutine.yield(1)
    local r = { pcall(function()
      coroutine.yield(2)
      local r = { pcall(function() coroutine.yield(3) error({ 9 }) end) }
      coroutine.yield(type(r[2]), r[2][1])
      error("two")
    end) }
    coroutine.yield(r[1], r[2])
    return "end"
  end)
end)
for i = 1, 6 do print(co()) end

-- yield in __index
local t = setmetatable({}, { __index = function(_, k) return coroutine.yield(k) end })
local co = coroutine.wrap(function() return t.a .. t.b end)
print(co()) print(co("x")) print(co("y"))

-- yield in __newindex
local log = {}
local t = setmetatable({}, { __newindex = function(_, k, v) log[#log + 1] = coroutine.yield(k, v) end })
local co = coroutine.wrap(function() t.a = 1 t[2] = "b" return table.concat(log, ",") end)
print(co()) print(co("one")) print(co("two"))

-- yield in arithmetic metamethods
local mt = {}
for _, n in ipairs({ "add", "sub", "mul", "div", "mod", "pow", "idiv", "band", "bor", "bxor", "shl", "shr" }) do
  mt["__" .. n] = function() return coroutine.yield(n) end
end
mt.__unm = function() return coroutine.yield("unm") end
mt.__bnot = function() return coroutine.yield("bnot") end
local x = setmetatable({}, mt)
local co = coroutine.wrap(function()
  local s = ""
  s = s .. x + 1 s = s .. x - 1 s = s .. 2 * x s = s .. x / 2 s = s .. x % 2 s = s .. x ^ 2
  s = s .. x // 2 s = s .. (x & 1) s = s .. (x | 1) s = s .. (x ~ 1) s = s .. (x << 1) s = s .. (x >> 1)
  s = s .. -x s = s .. ~x
  return s
end)
local r = co()
for i = 1, 14 do io = nil r = co(i) print(r) end

-- yield in __concat, several operands
local mt = { __concat = function(a, b) return coroutine.yield(type(a), type(b)) end }
local x = setmetatable({}, mt)
local co = coroutine.wrap(function() return "a" .. "b" .. x .. "c" .. "d" end)
print(co()) print(co("L")) print(co("M"))

-- yield in comparison metamethods
local mt = { __lt = function() return coroutine.yield("lt") end, __le = function() return coroutine.yield("le") end,
  __eq = function() return coroutine.yield("eq") end }
local a, b = setmetatable({}, mt), setmetatable({}, mt)
local co = coroutine.wrap(function()
  local r = {}
  if a < b then r[#r + 1] = "1" end
  if a <= b then r[#r + 1] = "2" end
  if a == b then r[#r + 1] = "3" end
  if a > b then r[#r + 1] = "4" end
  if not (a >= b) then r[#r + 1] = "5" end
  if a ~= b then r[#r + 1] = "6" end
  return table.concat(r)
end)
print(co()) print(co(true)) print(co(false)) print(co(1)) print(co(nil)) print(co(false)) print(co(nil))

-- yield in __len and __unm
local x = setmetatable({}, { __len = function() return coroutine.yield("len") end })
local co = coroutine.wrap(function() return #x + 1 end)
print(co()) print(co(4))

-- yield in __call
local x = setmetatable({}, { __call = function(self, ...) return coroutine.yield(...) end })
local co = coroutine.wrap(function() return "r", x(1, 2, 3) end)
print(co()) print(co("a", "b"))

-- yield in an iterator of a generic for
local co = coroutine.wrap(function()
  local s = 0
  for v in function() return coroutine.yield("next") end do s = s + v end
  return s
end)
print(co()) print(co(1)) print(co(2)) print(co(nil))

-- coroutine.yield itself as iterator
local co = coroutine.wrap(function()
  local s = {}
  for a, b in coroutine.yield, "state", "control" do s[#s + 1] = tostring(a) .. tostring(b) end
  return table.concat(s, " ")
end)
print(co()) print(co(1, 2)) print(co(3, 4)) print(co())

-- a wrapped generator in a for loop
for i, v in coroutine.wrap(function() for i = 1, 3 do coroutine.yield(i, i * i) end end) do print(i, v) end

-- generators inside generators
local function gen(n)
  return coroutine.wrap(function()
    for i = 1, n do
      coroutine.yield(i)
      for j in gen(i - 1) do coroutine.yield(-j) end
    end
  end)
end
gen2 = gen
local out = {}
local function gen3(n)
  return coroutine.wrap(function()
    for i = 1, n do
      coroutine.yield(i)
      if i > 1 then for j in gen3(i - 1) do coroutine.yield(-j) end end
    end
  end)
end
for v in gen3(4) do out[#out + 1] = v end
print(table.concat(out, " "))

-- yield in a tail call
local function f(...) return coroutine.yield(...) end
local co = coroutine.wrap(function(...) return f(...) end)
print(co(1, 2)) print(co(3))

-- yield in a tail call of a vararg function, with locals above it
local function f(...)
  local a, b, c = ...
  return coroutine.yield(c, b, a)
end
local function g(...)
  local x = "x"
  local r = table.pack(f(...))
  return x, table.unpack(r, 1, r.n)
end
local co = coroutine.wrap(function(...) local q = "q" local r = table.pack(g(...)) return q, r.n, table.unpack(r) end)
print(co(1, 2, 3, 4, 5)) print(co("a", nil, "c"))

-- tail calls of C functions from vararg functions after a yield
local function f(...) coroutine.yield(select("#", ...)) return select(2, ...) end
local co = coroutine.wrap(function() local a, b = f("x", "y", "z") return a, b end)
print(co()) print(co())

-- a coroutine whose body is a C function
local co = coroutine.create(coroutine.yield)
print(coroutine.resume(co, 1, 2)) print(coroutine.resume(co, 3)) print(coroutine.status(co))
print(coroutine.resume(coroutine.create(math.max), 3, 9, 4))
print(coroutine.resume(coroutine.create(pcall), error, "e"))

-- pcall of coroutine.yield directly
local co = coroutine.wrap(function() return pcall(coroutine.yield, 1, 2) end)
print(co()) print(co("back", 7))

-- pcall(pcall(pcall yield)))
local co = coroutine.wrap(function() return pcall(pcall, pcall, coroutine.yield, "deep") end)
print(co()) print(co("r"))

-- error out of a coroutine keeps its position
local co = coroutine.create(function() local x = nil; return x.y end)
print(coroutine.resume(co))
print(coroutine.status(co))

-- error objects pass through resume
local e = setmetatable({}, { __tostring = function() return "E!" end })
local co = coroutine.create(function() error(e) end)
local ok, v = coroutine.resume(co)
print(ok, v == e, tostring(v))

-- error after a yield, caught outside by wrap
local co = coroutine.wrap(function() coroutine.yield(1) error("late") end)
print(co()) print(pcall(co)) print(pcall(co))

-- wrap adds position to string errors only
local co = coroutine.wrap(function() error("bare", 0) end)
print(pcall(co))
local co = coroutine.wrap(function() error({ 1 }) end)
local ok, v = pcall(co)
print(ok, type(v))

-- resuming dead, running and normal coroutines
local co co = coroutine.create(function() return coroutine.resume(co) end)
print(coroutine.resume(co)) print(coroutine.resume(co))
local a, b
a = coroutine.create(function() return coroutine.resume(b) end)
b = coroutine.create(function() return coroutine.status(a), coroutine.resume(a) end)
print(coroutine.resume(a))

-- status seen from everywhere
local co
co = coroutine.create(function()
  print(coroutine.status(co))
  local inner = coroutine.create(function() print(coroutine.status(co)) end)
  print(coroutine.status(inner))
  coroutine.resume(inner)
  print(coroutine.status(inner))
  coroutine.yield()
end)
print(coroutine.status(co)) coroutine.resume(co) print(coroutine.status(co)) coroutine.resume(co) print(coroutine.status(co))

-- isyieldable and running
print(coroutine.isyieldable())
print(select(2, coroutine.running()))
coroutine.wrap(function() print(coroutine.isyieldable(), select(2, coroutine.running())) end)()
local co = coroutine.create(function() end)
print(coroutine.isyieldable(co))

-- yield outside a coroutine
print(pcall(coroutine.yield, 1))

-- yield across a C-call boundary: table.sort
local co = coroutine.create(function()
  table.sort({ 3, 2, 1 }, function(a, b) coroutine.yield() return a < b end)
end)
print(coroutine.resume(co))

-- yield across a C-call boundary: string.gsub
local co = coroutine.create(function() return (string.gsub("abc", "%w", function(c) return coroutine.yield(c) end)) end)
print(coroutine.resume(co))

-- yield across a C-call boundary: tostring
local t = setmetatable({}, { __tostring = function() return coroutine.yield("t") end })
print(coroutine.resume(coroutine.create(function() return tostring(t) end)))

-- yield across a C-call boundary: load with a reader
local co = coroutine.create(function() return load(function() coroutine.yield() return nil end) end)
print(coroutine.resume(co))

-- yield across metamethods called from C
local t = setmetatable({}, { __index = function() coroutine.yield() end })
print(coroutine.resume(coroutine.create(function() return table.concat(t, ",", 1, 2) end)))

-- many values through yield and resume
local co = coroutine.wrap(function(...) local n = select("#", ...) local r = table.pack(coroutine.yield(...)) return n, r.n end)
local t = {} for i = 1, 200 do t[i] = i end
print(select("#", co(table.unpack(t)))) print(co(table.unpack(t, 1, 150)))

-- nils at the ends
local co = coroutine.wrap(function(...) return select("#", coroutine.yield(...)) end)
print(select("#", co(nil, nil))) print(co(nil, nil, nil))

-- yield in deep recursion
local function deep(n) if n == 0 then return coroutine.yield("bottom") end return 1 + deep(n - 1) end
local co = coroutine.wrap(function() return deep(150) end)
print(co()) print(co(0))

-- yield under a hundred pcalls
local function deep(n) if n == 0 then return coroutine.yield("bottom") end local ok, v = pcall(deep, n - 1) return v end
local co = coroutine.wrap(function() return deep(100) end)
print(co()) print(co("up"))

-- error under yielded pcalls unwinds in order
local co = coroutine.wrap(function()
  return pcall(function()
    local ok, e = pcall(function() coroutine.yield(1) error("a", 0) end)
    error(e .. "b", 0)
  end)
end)
print(co()) print(co())

-- producer and consumer
local function producer() return coroutine.create(function() for _, v in ipairs({ "a", "b", "c" }) do coroutine.yield(v) end end) end
local function filter(p) return coroutine.create(function()
  local n = 1
  while true do
    local ok, v = coroutine.resume(p)
    if not v then return end
    coroutine.yield(n .. v) n = n + 1
  end
end) end
local f = filter(producer())
while true do local ok, v = coroutine.resume(f) if not v then break end print(v) end

-- permutations by a recursive generator
local function permgen(a, n)
  if n <= 1 then coroutine.yield(table.concat(a)) else
    for i = 1, n do a[n], a[i] = a[i], a[n] permgen(a, n - 1) a[n], a[i] = a[i], a[n] end
  end
end
for p in coroutine.wrap(function() permgen({ "a", "b", "c" }, 3) end) do print(p) end

-- a sieve of coroutines
local function gen(n) return coroutine.wrap(function() for i = 2, n do coroutine.yield(i) end end) end
local function filter(p, g) return coroutine.wrap(function() while 1 do local n = g() if n == nil then return end if math.fmod(n, p) ~= 0 then coroutine.yield(n) end end end) end
local x, out = gen(60), {}
while 1 do local n = x() if n == nil then break end out[#out + 1] = n x = filter(n, x) end
print(table.concat(out, " "))

-- upvalues shared between coroutines
local n = 0
local function step() n = n + 1 coroutine.yield(n) n = n * 10 end
local a, b = coroutine.wrap(function() step() step() return n end), coroutine.wrap(function() step() step() return n end)
print(a(), b(), a(), b(), a(), b())

-- upvalues survive the end of the coroutine's stack
local f
coroutine.wrap(function() local x = 1 f = function() x = x + 1 return x end coroutine.yield() end)()
collectgarbage() collectgarbage()
print(f(), f())

-- yield between the operands of a call
local co = coroutine.wrap(function() return string.format("%s-%s-%s", coroutine.yield(1), (coroutine.yield(2)), coroutine.yield(3)) end)
print(co()) print(co("a", "lost")) print(co("b", "lost")) print(co("c", "rest"))

-- yield in table constructors
local co = coroutine.wrap(function() return #{ coroutine.yield(1), coroutine.yield(2), coroutine.yield(3) } end)
print(co()) print(co("x", "y")) print(co("x", "y")) print(co("x", "y", "z"))

-- yield in numeric for bounds
local co = coroutine.wrap(function() local s = 0 for i = coroutine.yield("a"), coroutine.yield("b"), coroutine.yield("c") do s = s + i end return s end)
print(co()) print(co(1)) print(co(10)) print(co(3))

-- yield in a multiple assignment and in method calls
local o = { v = 5 } function o:get(x) return self.v + coroutine.yield(x) end
local co = coroutine.wrap(function() local a, b = o:get(1), o:get(2) return a, b end)
print(co()) print(co(10)) print(co(20))

-- goto continue around yields
local co = coroutine.wrap(function()
  for i = 1, 6 do
    if i % 2 == 0 then goto continue end
    coroutine.yield(i)
    ::continue::
  end
  return "end"
end)
for i = 1, 4 do print(co()) end

-- backward goto with yields
local co = coroutine.wrap(function()
  local n = 0
  ::again::
  n = n + 1
  if coroutine.yield(n) then goto again end
  return "stop"
end)
print(co()) print(co(true)) print(co(true)) print(co(false))

-- repeat-until with a local in the condition and a yield
local co = coroutine.wrap(function() local n = 0 repeat local stop = coroutine.yield(n) n = n + 1 until stop return n end)
print(co()) print(co()) print(co(true))

-- resume inside a metamethod inside a coroutine
local t = setmetatable({}, { __index = function(_, k)
  local c = coroutine.wrap(function() coroutine.yield("in " .. k) return "out " .. k end)
  return c() .. "/" .. c()
end })
print(coroutine.wrap(function() return t.key end)())

-- wrap inside pcall inside wrap
local co = coroutine.wrap(function()
  return pcall(function()
    local g = coroutine.wrap(function() coroutine.yield(1) error("inner", 0) end)
    local a = g()
    coroutine.yield(a)
    return g()
  end)
end)
print(co()) print(co())

-- resume with too many results is an error of the resumer only
print(pcall(table.unpack, {}, 1, 1e7))

-- coroutines as table keys and garbage
local set = setmetatable({}, { __mode = "k" })
for i = 1, 50 do local co = coroutine.create(function() coroutine.yield(co) end) coroutine.resume(co) set[co] = i end
collectgarbage() collectgarbage()
print(next(set))

-- thousands of suspended coroutines
local all = {}
for i = 1, 3000 do local co = coroutine.create(function(a) local b = coroutine.yield(a) return a + b end) all[i] = co coroutine.resume(co, i) end
collectgarbage()
local s = 0
for i = 1, 3000 do local _, v = coroutine.resume(all[i], 1) s = s + v end
print(s)

-- alternating two coroutines
local a = coroutine.wrap(function() for i = 1, 3 do coroutine.yield("a" .. i) end end)
local b = coroutine.wrap(function() for i = 1, 3 do coroutine.yield("b" .. i) end end)
for i = 1, 3 do print(a(), b()) end

-- C stack overflow by nested resumes
local function nest(n) local co = coroutine.wrap(nest) return co(n + 1) end
local ok, e = pcall(nest, 1)
print(ok, (string.find(e, "C stack overflow", 1, true)) ~= nil)

-- stack overflow inside a coroutine leaves the others alone
local function f() return 1 + f() end
local co = coroutine.create(f)
local ok, e = coroutine.resume(co)
print(ok, (string.find(e, "stack overflow", 1, true)) ~= nil, coroutine.status(co))
print(coroutine.wrap(function() return "fine" end)())

-- error in error handling
print(coroutine.resume(coroutine.create(function() return xpcall(error, function() error("again") end, "e") end)))

-- debug.traceback of a suspended coroutine
local co = coroutine.create(function() local function f() coroutine.yield() end f() end)
coroutine.resume(co)
print((debug.traceback(co)))
print((debug.traceback(co, "msg", 1)))

-- debug.traceback of a coroutine that failed
local co = coroutine.create(function() local function f() error("x") end f() end)
coroutine.resume(co)
print((debug.traceback(co)))

-- debug.getinfo and getlocal of a suspended coroutine
local co = coroutine.create(function() local here = "value" coroutine.yield() end)
coroutine.resume(co)
print(debug.getinfo(co, 1, "l").currentline, debug.getlocal(co, 1, 1))

-- a count hook does not disturb yields
local n = 0
local co = coroutine.create(function() for i = 1, 3 do coroutine.yield(i) end end)
debug.sethook(co, function() n = n + 1 end, "", 1)
for i = 1, 4 do print(coroutine.resume(co)) end
print(n > 10)

-- a line hook sees lines in order across yields
local lines = {}
local co = coroutine.create(function()
  local a = 1
  coroutine.yield()
  local b = 2
end)
debug.sethook(co, function(_, l) lines[#lines + 1] = l end, "l")
coroutine.resume(co) coroutine.resume(co)
print(table.concat(lines, " "))

-- call and return hooks across yields
local ev = {}
local function f() coroutine.yield() end
local co = coroutine.create(function() f() end)
debug.sethook(co, function(e) ev[#ev + 1] = e end, "cr")
coroutine.resume(co) coroutine.resume(co)
print(table.concat(ev, " "))

-- coroutine.wrap called with a method
local o = { gen = coroutine.wrap(function(self) while true do self = coroutine.yield(self.n) end end), n = 3 }
print(o:gen()) o.n = 4 print(o:gen())

-- bad arguments
print(pcall(coroutine.resume, 1)) print(pcall(coroutine.create, 1)) print(pcall(coroutine.wrap)) print(pcall(coroutine.status)) print(pcall(coroutine.close, {}))
`;
