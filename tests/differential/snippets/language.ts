/** The language itself: scoping, closures, control flow, assignment, calls, operators. */
export const language = String.raw`
-- closures capture per iteration
local f = {} for i = 1, 3 do f[i] = function() i = i + 1 return i end end
print(f[1](), f[1](), f[2](), f[3]())

-- closures share an upvalue
local function mk() local n = 0 return function() n = n + 1 return n end, function() return n end end
local inc, get = mk() inc() inc() print(get())

-- while with closures and break
local fs, i = {}, 0
while true do local j = i fs[#fs + 1] = function() return j end i = i + 1 if i > 3 then break end end
print(fs[1](), fs[4]())

-- repeat sees body locals
local n = 0 repeat local done = n >= 2 n = n + 1 until done print(n)

-- goto continue in nested loops
local out = {}
for i = 1, 3 do for j = 1, 3 do if j == 2 then goto continue end if i == 2 then goto next_i end out[#out + 1] = i .. j ::continue:: end ::next_i:: end
print(table.concat(out, " "))

-- goto out of nested blocks
for i = 1, 3 do for j = 1, 3 do if i * j == 4 then goto done end end end
::done:: print("done")

-- backward goto makes fresh locals
local fs, k = {}, 0
do ::top:: local x = k fs[#fs + 1] = function() return x end k = k + 1 if k < 3 then goto top end end
print(fs[1](), fs[2](), fs[3]())

-- goto errors
print(load("goto nowhere")) print(load("do ::a:: end goto a")) print(load("goto f; local x ::f:: print(x)")) print(load("::a:: ::a::"))

-- break outside a loop
print(load("break"))

-- numeric for with floats
for x = 1, 2, 0.25 do io = nil print(x) end

-- numeric for backwards and empty
for i = 3, 1, -1 do print(i) end for i = 1, 0 do print("never") end for i = 1, 3, 5 do print(i) end

-- numeric for at the integer limits
for i = math.maxinteger - 2, math.maxinteger do print(i) end
for i = math.mininteger + 2, math.mininteger, -1 do print(i) end

-- numeric for errors
print(pcall(load("for i = 1, 10, 0 do end"))) print(pcall(load("for i = 'a', 10 do end"))) print(pcall(load("for i = 1, {} do end")))

-- for loop with huge float bounds
local n = 0 for i = 1, math.huge do n = n + 1 if n == 5 then break end end print(n)
for i = 3, 2.5 do print("never") end for i = 1, 2.9 do print(i) end

-- generic for with next and modification
local t = { a = 1, b = 2, c = 3 } local n = 0 for k in pairs(t) do t[k] = nil n = n + 1 end print(n, next(t))

-- ipairs stops at nil and honours __index
for i, v in ipairs({ 1, 2, nil, 4 }) do print(i, v) end
for i, v in ipairs(setmetatable({}, { __index = function(_, i) if i < 4 then return i * 10 end end })) do print(i, v) end

-- __pairs
for k, v in pairs(setmetatable({}, { __pairs = function(t) return function(_, k) k = (k or 0) + 1 if k < 4 then return k, k * k end end, t, nil end })) do print(k, v) end

-- generic for closes its fourth value
local function it() return next, { 1, 2 }, nil, setmetatable({}, { __close = function() print("closed") end }) end
for k, v in it() do print(k, v) end
print(pcall(function() for k in it() do error("in loop", 0) end end))

-- multiple assignment evaluates before assigning
local i, t = 1, {} i, t[i] = i + 1, 20 print(i, t[1], t[2])
local a, b, c = (function() return 1, 2, 3 end)() print(a, b, c)
a, b, c = 0, (function() return 5, 6 end)() print(a, b, c)

-- swap and rotate
local a, b, c = 1, 2, 3 a, b, c = b, c, a print(a, b, c)

-- adjustment of results
local function f() return 1, 2, 3 end
print((f())) print(f(), f()) print(({ f(), f() })[4], #{ f(), f() }, #{ (f()) })

-- varargs
local function f(...) return select("#", ...), ... end
print(f()) print(f(nil)) print(f(1, nil, nil)) print((f(1, 2)))

-- select with negative index
print(select(-1, 1, 2, 3)) print(select(-2, "a", "b", "c")) print(pcall(select, 0)) print(pcall(select, -5, 1))

-- table.pack and unpack
local t = table.pack(nil, 2, nil) print(t.n, t[2]) print(table.unpack({ 1, 2, 3 }, 2)) print(table.unpack({ 1, 2 }, -1, 1)) print(table.unpack({}, 1, 3))

-- varargs in the main chunk of load
print(load("return select('#', ...), ...")(1, nil, 3))

-- method definition and call
local A = {} A.__index = A function A.new(x) return setmetatable({ x = x }, A) end function A:get(y) return self.x + y end
print(A.new(3):get(4))

-- nested function names
local t = { a = { b = {} } } function t.a.b.c(x) return x end function t.a.b:d(x) return self == t.a.b, x end
print(t.a.b.c(1)) print(t.a.b:d(2))

-- string and table call sugar
local function f(x) return type(x) end print(f"s", f{}, f[[l]]) local o = { m = function(self, x) return x end } print(o:m"q", o:m{ 1 }[1])

-- integer and float arithmetic
print(7 // 2, -7 // 2, 7 // -2, 7 % 3, -7 % 3, 7 % -3, 7 / 2, 4 / 2, 2 ^ 3)
print(7.5 // 2, -7.5 // 2, 7.5 % 2, -7.5 % 2, 5 % math.huge, -5 % math.huge, 5 // math.huge)

-- division by zero
print(1 / 0, -1 / 0, 0 / 0 ~= 0 / 0) print(pcall(function() return 1 // 0 end)) print(pcall(function() return 1 % 0 end)) print(1.0 // 0, 1 % 0.0 ~= 1 % 0.0)

-- integer overflow wraps
print(math.maxinteger + 1 == math.mininteger, math.mininteger - 1 == math.maxinteger, math.maxinteger * 2, -math.mininteger == math.mininteger, math.mininteger // -1, math.mininteger % -1)

-- bitwise operators
print(0xff & 0x0f, 0xf0 | 0x0f, 0xff ~ 0x0f, ~0, 1 << 63, 1 << 64, 1 >> 1, -1 >> 63, 1 << -1, 2 >> -1, 3.0 | 0)
print(pcall(function() return 1.5 & 1 end)) print(pcall(function() return "a" | 1 end)) print(pcall(function() return {} & 1 end)) print(pcall(function() return 2^64 | 0 end))

-- comparison of mixed numbers
print(1 == 1.0, 1 < 1.5, math.maxinteger < math.huge, math.maxinteger + 0.0 == math.maxinteger, 2^53 == 2^53 + 1, math.mininteger <= -2^63, "a" < "b", "Z" < "a", "" < "a", "a\0b" < "a\0c")
print(pcall(function() return 1 < "2" end)) print(pcall(function() return {} < {} end)) print(pcall(function() return nil < 1 end))

-- string coercions in arithmetic
print("10" + 5, "3" * "4", "0x10" + 0, "1e1" + 0, 10 .. 20, -"2", "10" // "3", " 5 " + 0) print(pcall(function() return "abc" + 1 end)) print(pcall(function() return {} + 1 end))

-- precedence
print(2 + 3 * 4 ^ 2 / 2, -2 ^ 2, not nil == true, 1 .. 2 .. 3, 2 ^ 3 ^ 2, 1 + 2 < 4 and "y" or "n", #"abc" + 1, -3 % 5, 5 - -3, not not nil, 1 << 2 + 1, 6 & 3 == 2 and 1 or 0 == 0)

-- and, or, short circuits
local n = 0 local function t() n = n + 1 return true end local function f() n = n + 1 return false end
print(f() and t(), t() or t(), nil and 1, false or nil, 0 and "zero", "" and "empty", n)

-- long strings and escapes
print([[
first newline is skipped]], [==[a]]b]==], "\65\066\x43\u{48}\u{20AC}\z
   next", '\'"\\\a\b' == "'\"\\\7\8", "tab\tend", "a\
b")

-- number literals
print(0x10, 0xA.8p0, 1e2, .5, 3., 0x.1p4, 1E-2, 0xffffffffffffffff, 9223372036854775807, 9223372036854775808, 1//1, 0x7fffffffffffffff + 1)

-- malformed literals
print(load("x = 1e")) print(load("x = 0x")) print(load("x = 3x")) print(load("x = 'abc")) print(load("x = [[abc")) print(load("x = '\\q'")) print(load("x = '\\300'")) print(load("x = '\\u{110000000}'"))

-- comments
local x = 1 --[[ inline ]] + 2 --[==[ long
]] still ]==] print(x) -- end

-- integer division and modulo identity
for _, a in ipairs({ 7, -7, 7.5, -7.5 }) do for _, b in ipairs({ 2, -2, 2.5, -2.5 }) do assert(a == (a // b) * b + a % b) print(a // b, a % b) end end

-- constants and attributes
local x <const> = 5 print(x + 1) print(load("local x <const> = 1; x = 2")) print(load("local x <foo> = 1")) print(load("local a <close>, b <close> = nil, nil"))

-- to-be-closed order and nil
do
  local a <close> = setmetatable({}, { __close = function(o, e) print("a", e) end })
  local n <close> = nil local f <close> = false
  local b <close> = setmetatable({}, { __close = function(o, e) print("b", e) end })
  print("body")
end
print(pcall(function() local x <close> = 42 end))

-- to-be-closed with errors replaces the error
print(pcall(function()
  local a <close> = setmetatable({}, { __close = function(_, e) print("a sees", e) error("from a", 0) end })
  local b <close> = setmetatable({}, { __close = function(_, e) print("b sees", e) error("from b", 0) end })
  error("body", 0)
end))

-- to-be-closed with return values kept
print((function() local a <close> = setmetatable({}, { __close = function() print("closing") return "ignored" end }) return 1, 2 end)())

-- to-be-closed in loops with goto and break
for i = 1, 3 do local c <close> = setmetatable({}, { __close = function() print("c" .. i) end }) if i == 1 then goto continue end if i == 2 then break end ::continue:: end

-- to-be-closed and tail position
local function f() local c <close> = setmetatable({}, { __close = function() print("c") end }) return print("called") end f()

-- deep recursion without tail calls
local function sum(n) if n == 0 then return 0 end return n + sum(n - 1) end print(sum(10000))

-- proper tail calls
local function loop(n) if n == 0 then return "end" end return loop(n - 1) end print(loop(200000))

-- mutual tail calls
local even, odd function even(n) if n == 0 then return true end return odd(n - 1) end function odd(n) if n == 0 then return false end return even(n - 1) end print(even(100001))

-- stack overflow is caught and the program goes on
local function f() return 1 + f() end local ok, e = pcall(f) print(ok, e:match("stack overflow") ~= nil) print(pcall(function() return "still fine" end))

-- stack overflow in message handlers
local function f() return 1 + f() end local ok, e = xpcall(f, function(m) return "handler: " .. (m:match("stack overflow") or m) end) print(ok, e)

-- C stack overflow in nested pcalls and metamethods
local function f() return pcall(f) end print(select("#", f()) > 100)
local t = setmetatable({}, {}) getmetatable(t).__index = function(t, k) return t[k .. "x"] end
local ok, e = pcall(function() return t.a end) print(ok, e:match("C stack overflow") ~= nil)

-- deep nesting in the parser
print(load(("("):rep(300) .. "1" .. (")"):rep(300))) print((load("return " .. ("("):rep(100) .. "1" .. (")"):rep(100)))())

-- many locals and many upvalues
local s = {} for i = 1, 200 do s[i] = "local v" .. i .. " = " .. i end print(load(table.concat(s, "\n") .. "\nreturn v200")()) s[201] = "local v201 = 1" print(load(table.concat(s, "\n")))

-- large table constructors
local s = {} for i = 1, 1000 do s[i] = tostring(i) end print(#load("return {" .. table.concat(s, ",") .. "}")())

-- long concatenations
local s = {} for i = 1, 250 do s[i] = "'" .. i .. "'" end print(load("return " .. table.concat(s, ".."))) print(#load("return " .. table.concat(s, "..", 1, 200))())

-- global access through _ENV
local function f() local _ENV = { y = 5 } return y, x end print(f()) local print = print do local _ENV = { print = print } z = 1 print(_ENV.z) end

-- load with an environment and a mode
local env = {} load("x = 1; y = _ENV", "c", "t", env)() print(env.x, env.y == env) print(load("\27Lua", "c", "t")) print(pcall(load, "return 1", "c", "q"))

-- load with a reader function
local parts, i = { "return ", "1 ", "+ 2" }, 0 print(load(function() i = i + 1 return parts[i] end)()) print(load(function() return {} end)) print(load(function() error("reader", 0) end))

-- syntax error messages
for _, s in ipairs({ "x =", "if x then", "for i = 1 do end", "local function end", "return return", "x = }", "f(", "a.b:c = 1", "local 1", "= 1", "x 1", "::", "function f(a,) end" }) do print(select(2, load(s, "=s"))) end

-- environments of functions from one factory
local factory = load("local _ENV = ...; return function() n = (n or 0) + 1 return n end") local a, b = factory({}), factory({ n = 10 }) print(a(), a(), b())

-- string indexing and methods
print(("x"):rep(3), #"abc", ("abc"):upper(), ("%d"):format(3), ("abc").len == string.len) print(pcall(function() return ("x").y.z end))

-- error messages name variables
local t = {} print(pcall(function() return t.x.y end)) print(pcall(function() t.x() end)) print(pcall(function() t:m() end)) print(pcall(function() return t + 1 end)) print(pcall(function() undefinedglobal() end)) print(pcall(function() return #nil end)) print(pcall(function() local a = "x" return a.b.c end)) print(pcall(function() return -{} end)) print(pcall(function() t[nil] = 1 end)) print(pcall(function() return ("x")() end))

-- integer keys and float keys are one
local t = {} t[1] = "a" t[1.0] = "b" t[2^53] = "c" print(t[1], #t, t[2^53 | 0]) print(pcall(function() t[0/0] = 1 end)) print(t[0/0])

-- a big switch of comparisons
local function f(x) if x == 1 then return "one" elseif x == 2.5 then return "two and a half" elseif x == "s" then return "string" elseif x == nil then return "nil" elseif x then return "true" else return "false" end end
print(f(1), f(2.5), f("s"), f(nil), f(true), f(false))

-- comparisons with constants
local x = 5 print(x < 10, x <= 5, x > 4, x >= 6, x == 5, x ~= 5, 10 > x, x < 5.5, x > 4.5, x == 5.0, x < -1, -1 < x) local y = 5.5 print(y < 10, y <= 5, y > 5, y == 5.5, y >= 5.5)
`;
