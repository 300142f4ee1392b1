/** The standard libraries: strings, patterns, tables, numbers, UTF-8. */
export const libraries = String.raw`
-- string.sub
print(("hello"):sub(2, 4), ("hello"):sub(-3), ("hello"):sub(2), ("hello"):sub(10), ("hello"):sub(0), ("hello"):sub(-100, 2), ("hello"):sub(4, 2))

-- string.byte and char
print(("ABC"):byte(1, -1)) print(string.char(72, 105)) print(pcall(string.char, 256)) print(("abc"):byte(10)) print(#string.char())

-- string.rep and reverse
print(("ab"):rep(3, "-"), ("x"):rep(0), ("x"):rep(-1), ("abc"):reverse(), (""):reverse()) print(pcall(string.rep, "x", 1e10))

-- upper, lower, len
print(("aBc1"):upper(), ("aBc1"):lower(), ("a\0b"):len(), #"\u{20AC}")

-- string.find plain and with patterns
print(("hello world"):find("o w"), ("hello"):find("l+")) print(("a.b"):find(".", 1, true), ("abc"):find("b", -1), ("abc"):find("", 10), ("abc"):find("", 4)) print(("hello"):find("(l)(l)"))

-- string.match
print(("key = value"):match("^(%w+)%s*=%s*(%w+)$")) print(("2024-01-02"):match("(%d+)-(%d+)-(%d+)")) print(("abc"):match("()b()")) print(("abc"):match("x"))

-- string.gmatch
for k, v in ("a=1, b=2"):gmatch("(%w+)=(%w+)") do print(k, v) end for w in ("one two"):gmatch("%a+") do print(w) end for p in ("abc"):gmatch("()") do print(p) end

-- string.gmatch with anchor and init
for w in ("aaa"):gmatch("^a") do print(w) break end for w in ("hello"):gmatch("l", 4) do print(w) end

-- string.gsub with strings
print(("hello"):gsub("l", "L")) print(("hello"):gsub("l", "L", 1)) print(("hello"):gsub("(h)(e)", "%2%1")) print(("abc"):gsub("%w", "%0%0")) print(("abc"):gsub("", "-")) print(("hello world"):gsub("o", "%%"))

-- string.gsub with functions and tables
print(("abc"):gsub("%w", function(c) if c == "b" then return false end return c:upper() end)) print(("$name is $age"):gsub("%$(%w+)", { name = "Lua", age = 30 })) print(("abc"):gsub("b", {}))

-- string.gsub errors
print(pcall(string.gsub, "a", "a", "%2")) print(pcall(string.gsub, "a", "(", "")) print(pcall(string.gsub, "a", "%", "")) print(pcall(string.gsub, "a", "[a", "")) print(pcall(string.gsub, "a", "a", function() return {} end)) print(pcall(string.gsub, "a", "a", "%")) print(pcall(string.gsub, "a"))

-- pattern classes
for _, p in ipairs({ "%a", "%d", "%l", "%s", "%u", "%w", "%x", "%p", "%c", "%g", "[^%s]", "[a-c]", "[^a-c]", "[]]", "[%-x]", "." }) do print(p, (("aZ5 _-]\n"):gsub(p, "*"))) end

-- pattern repetition
print(("aaa"):match("a-"), ("aaa"):match("a-$"), ("aaab"):match("a*b"), ("ab"):match("a?b?c?"), ("<a><b>"):match("<.->"), ("<a><b>"):match("<.*>"))

-- balanced match and frontier
print(("f(a(b)c)d"):match("%b()")) print(("THE (quick) fox"):find("%f[%a]%a+%f[%A]")) for w in ("THE (quick) fox"):gmatch("%f[%a]%a+") do print(w) end

-- back references
print(([[she said "it's"]]):match([[(["'])(.-)%1]])) print(("abab"):match("(ab)%1"))

-- pattern with zeros and anchors
print(("a\0b\0c"):gsub("%z", "."), ("abc"):gsub("^a", "x"), ("abc"):gsub("c$", "x"), ("a^b$"):gsub("%^", "!"))

-- pattern too complex
local ok, e = pcall(string.match, ("x"):rep(300), ("x?"):rep(300) .. "y") print(ok, e)

-- string.format integers
print(("%d %5d %-5d| %05d %+d %i"):format(3, 42, 42, 42, 42, 7)) print(("%x %X %#x %o"):format(255, 255, 255, 8)) print(("%c%c"):format(72, 105)) print(pcall(string.format, "%d", 1.5)) print(("%d"):format("10"), ("%d"):format(3.0))

-- string.format floats
print(("%f %.2f %e %.3e %g %g %10.3f|%-10.2f|"):format(1.5, 2.345, 12345.678, 0.00012, 1e20, 0.1, 3.14159, 2.5)) print(("%.14g"):format(0.1), ("%.17g"):format(0.1), ("%g"):format(1e15), ("%g"):format(100000), ("%g"):format(1000000)) print(("%a"):format(1), ("%.0f"):format(0.5), ("%5.1f"):format(-0.05))

-- string.format special floats
print(("%f %f %g"):format(1 / 0, -1 / 0, 1 / 0)) print(("%.3f"):format(1e15), ("%.20f"):format(0.1))

-- string.format strings
print(("%s|%10s|%-10s|%.2s|"):format("abc", "abc", "abc", "abc")) print(("%q"):format('a "quoted"\n\0 \r line')) print(("%q %q %q"):format(1, 1.5, math.mininteger)) print(("%s %s %s"):format(nil, true, 12)) print(("%%"):format())

-- string.format errors
print(pcall(string.format, "%d", "x")) print(pcall(string.format, "%s")) print(pcall(string.format, "%y", 1)) print(pcall(string.format, "%0100d", 1)) print(pcall(string.format, "%q", {}))

-- string.format with __tostring and __name
print(("%s"):format(setmetatable({}, { __tostring = function() return "T" end }))) print(pcall(tostring, setmetatable({}, { __tostring = function() return 1 end }))) print((tostring(setmetatable({}, { __name = "My" })):gsub("0x%x+", "P")))

-- tostring of numbers
print(1, 1.0, -0.0, 1e15, 1e16, 1e100, 0.1, 1 / 3, 100 // 1.0, 2^31, 2^53, 2^63, -2^63, math.pi, 123456789012345678) print(1e300 * 1e10, -1e300 * 1e10, tostring(0 / 0):gsub("-", ""))

-- tonumber
print(tonumber("10"), tonumber("0x1F"), tonumber("  12  "), tonumber("1e2"), tonumber("abc"), tonumber(""), tonumber("1 2"), tonumber("0x"), tonumber("1e"), tonumber("inf"), tonumber("nan")) print(tonumber("ff", 16), tonumber("zz", 36), tonumber("8", 8), tonumber("-101", 2), tonumber(nil)) print(pcall(tonumber)) print(pcall(tonumber, "1", 99)) print(pcall(tonumber, 1, 10)) print(tonumber("9223372036854775808"), tonumber("0xffffffffffffffffff"), tonumber("1."), tonumber(".5"), tonumber("."), tonumber("5\0"))

-- math functions
print(math.floor(3.7), math.ceil(3.2), math.floor(-3.7), math.abs(-5), math.max(1, 5, 3), math.min(4, 2.5), math.sqrt(16), math.fmod(7, 3), math.fmod(-7, 3), math.modf(3.7)) print(math.tointeger(3.0), math.tointeger(3.5), math.tointeger("8"), math.type(1), math.type(1.0), math.type("1"), math.ult(1, -1), math.abs(math.mininteger)) print(math.exp(0), math.log(8, 2), math.log(100, 10), math.log(1), math.sin(0), math.cos(0), math.atan(1, 1) * 4 == math.pi)

-- math errors
print(pcall(math.floor, "x")) print(pcall(math.max)) print(pcall(math.random, 0, -1)) print(pcall(math.fmod, 1, 0)) print(math.fmod(1, 0.0) ~= math.fmod(1, 0.0)) print(pcall(math.tointeger)) print(math.floor(2^70), math.ceil(-2^70))

-- math.random with a seed
math.randomseed(42) local a = { math.random(100), math.random(100), math.random() } math.randomseed(42) print(a[1] == math.random(100), a[2] == math.random(100), a[3] == math.random()) math.randomseed(7, 9) print(math.random(1 << 40), math.random(0) ~= 0, math.random(5, 5))

-- the sequence of math.random
math.randomseed(123) local t = {} for i = 1, 8 do t[i] = math.random(1000) end print(table.concat(t, " ")) print(string.format("%.10f", math.random()))

-- table.insert and remove
local t = { 1, 2, 3 } table.insert(t, 4) table.insert(t, 1, 0) print(table.concat(t, ",")) print(table.remove(t), table.remove(t, 1), table.remove({}), table.concat(t, ",")) print(pcall(table.insert, t, 10, 1)) print(pcall(table.insert, t)) print((pcall(table.remove, t, 10))) print(table.remove(t, #t + 1))

-- table.concat
print(table.concat({}), table.concat({ 1, 2.5, "x" }, "-"), table.concat({ 1, 2, 3 }, ",", 2), table.concat({ 1, 2, 3 }, ",", 2, 3), table.concat({ 1 }, ",", 2)) print(pcall(table.concat, { 1, {}, 3 })) print(pcall(table.concat, { 1, nil, 3 }, ",", 1, 3))

-- table.sort
local t = { 5, 2, 8, 1, 9, 3 } table.sort(t) print(table.concat(t, " ")) table.sort(t, function(a, b) return a > b end) print(table.concat(t, " ")) local w = { "pear", "apple", "fig" } table.sort(w) print(table.concat(w, " ")) table.sort(w, function(a, b) return #a < #b end) print(table.concat(w, " "))

-- table.sort larger and stable enough
local t = {} for i = 1, 500 do t[i] = (i * 7919) % 1009 end table.sort(t) local ok = true for i = 2, #t do ok = ok and t[i - 1] <= t[i] end print(ok, t[1], t[500])

-- table.sort errors
print(pcall(table.sort, { 1, "x" })) print(pcall(table.sort, { 3, 2, 1, 5, 4, 7, 6, 9, 8, 10, 12, 11 }, function() return true end)) print(pcall(table.sort, { 2, 1 }, function() error("cmp", 0) end))

-- table.move
print(table.concat(table.move({ 1, 2, 3 }, 1, 3, 2), ",")) print(table.concat(table.move({ 1, 2, 3 }, 2, 3, 1), ",")) print(table.concat(table.move({ 1, 2, 3 }, 1, 3, 1, {}), ",")) print(#table.move({}, 1, 0, 5)) print(pcall(table.move, {}, 1, math.maxinteger, 2))

-- table functions respect metamethods
local log = {} local t = setmetatable({}, { __index = function(_, k) return k <= 3 and k * 10 or nil end, __len = function() return 3 end, __newindex = function(t, k, v) log[#log + 1] = k rawset(t, k, v) end }) print(table.concat(t, ",")) print(table.unpack(t)) table.insert(t, 40) print(log[1], rawlen(t))

-- the length operator and holes
print(#{ 1, 2, 3 }, #{ n = 1 }, #{ 1, 2, nil }, #"x", #{ [1] = 1, [2] = 2 })

-- next and raw access
local t = setmetatable({ 1, a = 2 }, { __index = function() return "idx" end, __newindex = function() end, __len = function() return 99 end, __eq = function() return true end }) t.new = 1 print(rawget(t, "new"), rawget(t, "a"), t.zzz, #t, rawlen(t), rawequal(t, t), rawequal(t, {})) rawset(t, "new", 5) print(rawget(t, "new")) print(pcall(rawset, 1, 2, 3)) print(pcall(next, {}, "nokey")) print(next({}), next({ 7 }))

-- setmetatable and protected metatables
print(getmetatable("x").__index == string) local t = setmetatable({}, { __metatable = "locked" }) print(getmetatable(t), pcall(setmetatable, t, {})) print(pcall(setmetatable, 1, {})) print(pcall(setmetatable, {}, 1)) print(getmetatable({}), getmetatable(1)) print(pcall(getmetatable))

-- __index chains
local a = { x = 1 } local b = setmetatable({ y = 2 }, { __index = a }) local c = setmetatable({}, { __index = b }) print(c.x, c.y, c.z) c.x = 5 print(a.x, c.x)

-- __newindex to a table
local store = {} local t = setmetatable({}, { __newindex = store }) t.a = 1 print(rawget(t, "a"), store.a)

-- __call chains and __call with varargs
local f = setmetatable({}, { __call = function(self, ...) return select("#", ...), ... end }) print(f(1, nil)) local g = setmetatable({}, { __call = f }) print(select("#", g(1))) print(pcall(setmetatable({}, { __call = 1 })))

-- __eq, __lt, __le
local mt = { __eq = function(a, b) return a.v == b.v end, __lt = function(a, b) return a.v < b.v end, __le = function(a, b) return a.v <= b.v end } local function V(v) return setmetatable({ v = v }, mt) end print(V(1) == V(1), V(1) == V(2), V(1) ~= V(1), V(1) < V(2), V(2) <= V(1), V(3) > V(1), V(1) >= V(1), V(1) == 1)

-- __concat, __unm, __len, __bnot
local t = setmetatable({}, { __concat = function(a, b) return "cat" end, __unm = function() return "neg" end, __len = function() return 7 end, __bnot = function() return "not" end }) print(t .. 1, 1 .. t, "a" .. t, -t, #t, ~t)

-- arithmetic metamethods on either side
local t = setmetatable({}, { __add = function(a, b) return type(a) .. type(b) end, __idiv = function() return "idiv" end, __shl = function() return "shl" end }) print(t + 1, 1 + t, t + t, "x" + t, t // 2, 2 << t)

-- __tostring, __name and print
print(setmetatable({}, { __tostring = function() return "printed" end })) print(pcall(function() return #setmetatable({}, { __name = "MyType" }) < {} end))

-- __mode weak values
local t = setmetatable({}, { __mode = "v" }) t[1] = {} t[2] = "str" t.k = {} local keep = {} t.keep = keep collectgarbage() print(t[1], t[2], t.k, t.keep == keep)

-- __mode weak keys and ephemerons
local t = setmetatable({}, { __mode = "k" }) t[{}] = 1 local k = {} t[k] = k do local x = {} t[x] = { x } end collectgarbage() local n = 0 for _ in pairs(t) do n = n + 1 end print(n)

-- __gc runs once, in reverse order
do local log = {} for i = 1, 3 do setmetatable({}, { __gc = function() log[#log + 1] = i end }) end collectgarbage() collectgarbage() print(table.concat(log, ",")) end

-- __gc resurrection and errors inside
local kept do local x = setmetatable({ 5 }, { __gc = function(o) kept = o end }) end collectgarbage() print(kept and kept[1])

-- collectgarbage options
print(collectgarbage("isrunning"), collectgarbage("stop"), collectgarbage("isrunning"), collectgarbage("restart"), collectgarbage("step") ~= nil, collectgarbage("count") > 0) print(collectgarbage("generational"), collectgarbage("incremental")) print(pcall(collectgarbage, "bad"))

-- garbage in generational mode
collectgarbage("generational") local t = {} for i = 1, 20000 do t[i % 100] = { i } end local s = 0 for i = 0, 99 do s = s + t[i][1] end print(s) collectgarbage("incremental")

-- string.pack and unpack integers
local p = string.pack("<i4", 100) print(#p, string.unpack("<i4", p)) print(string.unpack("<I2", "\1\2")) print(string.unpack(">I2", "\1\2")) print(#string.pack("i8", 1), #string.pack("b", 1), string.packsize("i4i8"), string.packsize("!8i4i8")) print(pcall(string.pack, "i1", 200)) print(string.unpack("b", "\200"))

-- string.pack floats and strings
print(string.unpack("<d", string.pack("<d", 1.5))) print(string.unpack("<f", string.pack("<f", 0.5))) print(string.unpack("s1", string.pack("s1", "hello"))) print(string.unpack("z", "abc\0def")) print(#string.pack("c10", "abc")) print(pcall(string.unpack, "i4", "abc")) print(pcall(string.pack, "q", 1))

-- string.pack several values
print(string.unpack("<i2>i2=i4", string.pack("<i2>i2=i4", 1, 2, 3))) print(string.unpack("<j", string.pack("<j", math.mininteger))) print(string.unpack("i3", string.pack("i3", -5))) print(string.unpack("I16", string.pack("I16", 7)))

-- utf8.char and codepoint
print(utf8.char(72, 228, 8364, 128512)) print(utf8.codepoint("häß", 1, -1)) print(pcall(utf8.codepoint, "\xff")) print(utf8.charpattern) print(#utf8.char(0x7FFFFFFF))

-- utf8.len and offset
print(utf8.len("häß"), utf8.len("\xff"), utf8.len(""), utf8.len("abc", 2), utf8.len("abc", 4)) print(utf8.offset("häß", 3), utf8.offset("häß", -1), utf8.offset("abc", 5), utf8.offset("abc", 0, 2)) print(pcall(utf8.len, "abc", 10))

-- utf8.codes
for p, c in utf8.codes("aé€") do print(p, c) end print(pcall(function() for _ in utf8.codes("a\xffb") do end end)) print(utf8.len("\u{D800}", 1, -1, true), utf8.len("\xF4\x90\x80\x80"))

-- os.time and os.date in UTC
print(os.time({ year = 2024, month = 2, day = 30, hour = 12 }) == os.time({ year = 2024, month = 3, day = 1, hour = 12 })) print(os.date("!%Y-%m-%d %H:%M:%S", 0)) print(os.date("!%a %b %j %p %y %A %B %d %e %I %M %w", 1700000000)) local d = os.date("!*t", 86400) print(d.year, d.month, d.day, d.hour, d.min, d.sec, d.wday, d.yday, d.isdst)

-- os.date with more conversions
print(os.date("!%x %X %D %F %T %R %r", 1e9)) print(os.date("!%G-W%V-%u %U %W %C %g %h %n%t%%", 1e9)) print(os.date("!%G %V", 1104537600), os.date("!%G %V", 1230768000), os.date("!%U %W", 1104537600)) print(pcall(os.date, "%Ez", 0)) print(pcall(os.date, "%Q", 0)) print(os.date("!%H", 3600.0)) print(pcall(os.date, "!%H", 1.5))

-- os.time errors and difftime
print(pcall(os.time, { year = 2024 })) print(pcall(os.time, { year = "x", month = 1, day = 1 })) print(os.difftime(10, 5)) print(pcall(os.time, { year = 2024, month = 1.5, day = 1 }))

-- os.getenv and clock
print(os.getenv("SURELY_NOT_SET_ANYWHERE"), type(os.clock()), type(os.time()))

-- type and its errors
print(type(nil), type(1), type("s"), type({}), type(print), type(coroutine.create(print))) print(pcall(type))

-- assert and error
print(pcall(assert, false)) print(pcall(assert, nil, "msg")) print(pcall(assert, false, { 1 }) == false) print(assert(1, 2, 3)) print(pcall(assert)) print(pcall(error)) print(pcall(error, nil)) print(pcall(error, "m", 0)) print(pcall(error, "m")) print(pcall(error, "m", 2))

-- xpcall with arguments and tracebacks
print(xpcall(function(a, b) return a + b end, print, 1, 2)) print(xpcall(function() local x = nil + 1 end, function(m) return "H:" .. m end)) print(pcall(xpcall)) print((xpcall(error, debug.traceback, "tb")))

-- error levels
local function lvl1() error("one", 1) end local function lvl2() error("two", 2) end
print(pcall(lvl1)) print(pcall(function() lvl2() end))

-- errors with non-string values
for _, v in ipairs({ 1, true, {} }) do local ok, e = pcall(error, v) print(ok, type(e), e == v) end

-- errors in metamethods and finalizers of loops
print(pcall(function() local t = setmetatable({}, { __index = function(_, k) error("no " .. k, 0) end }) return t.field end)) print(pcall(function() for i in function() error("iter", 0) end do end end))

-- nested errors keep the innermost
print(pcall(function() local ok, e = pcall(error, "inner", 0) error("outer(" .. e .. ")", 0) end))

-- string.dump is kept
local f = load(string.dump(function(x) return x * 2 end)) print(f(21)) print(pcall(string.dump, math.max))

-- string comparison with embedded zeros and bytes
print("a\0" == "a\0", "a\0a" < "a\0b", "\xff" > "a", #"\0\0", ("a\0b"):byte(2), ("x\0y"):upper() == "X\0Y")

-- long string keys
local k = ("k"):rep(100) local t = { [k] = 1 } print(t[("k"):rep(100)], t[("k"):rep(99)])

-- table with all kinds of keys
local t = {} local f, u = print, {} t[f] = 1 t[u] = 2 t[true] = 3 t[1.5] = 4 t["1.5"] = 5 print(t[print], t[u], t[true], t[1.5], t["1.5"], t[false])

-- growth and shrinking of tables
local t = {} for i = 1, 1000 do t[i] = i end for i = 1, 990 do t[i] = nil end print(t[995], #t == 1000 or #t == 0) for i = -10, 10 do t[i] = i end print(t[-10], t[0], t[10])

-- integer keys in the hash part
local t = { [3] = "c", [2] = "b", [1] = "a" } print(#t, table.concat(t)) t[5] = "e" t[4] = "d" print(#t)

-- deep copies and cycles
local t = {} t.self = t t.list = { t } print(t.self.self == t, t.list[1].list == t.list)
`;
