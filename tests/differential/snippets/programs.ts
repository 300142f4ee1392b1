/** Small programs, which use many things at once. */
export const programs = String.raw`
-- fibonacci, three ways
local function fib(n) if n < 2 then return n end return fib(n - 1) + fib(n - 2) end
local memo = setmetatable({}, { __index = function(t, n) local v = n < 2 and n or t[n - 1] + t[n - 2] t[n] = v return v end })
local a, b = 0, 1 for i = 1, 50 do a, b = b, a + b end
print(fib(20), memo[80], a)

-- sieve of Eratosthenes
local n, s, out = 100, {}, {} for i = 2, n do if not s[i] then out[#out + 1] = i for j = i * i, n, i do s[j] = true end end end print(table.concat(out, " "))

-- eight queens
local N, count = 8, 0
local function ok(a, n, c) for i = 1, n - 1 do if a[i] == c or a[i] - i == c - n or a[i] + i == c + n then return false end end return true end
local function add(a, n) if n > N then count = count + 1 else for c = 1, N do if ok(a, n, c) then a[n] = c add(a, n + 1) end end end end
add({}, 1) print(count)

-- towers of Hanoi
local moves = 0 local function hanoi(n, a, b, c) if n == 0 then return end hanoi(n - 1, a, c, b) moves = moves + 1 hanoi(n - 1, c, b, a) end hanoi(10, "a", "b", "c") print(moves)

-- quicksort and binary search
local function qs(t) if #t < 2 then return t end local p, l, r = t[1], {}, {} for i = 2, #t do if t[i] < p then l[#l + 1] = t[i] else r[#r + 1] = t[i] end end l, r = qs(l), qs(r) l[#l + 1] = p return table.move(r, 1, #r, #l + 1, l) end
print(table.concat(qs({ 5, 3, 8, 1, 9, 2, 7 }), " "))

-- greatest common divisor and powers
local function gcd(a, b) while b ~= 0 do a, b = b, a % b end return a end local function pow(b, e, m) local r = 1 while e > 0 do if e & 1 == 1 then r = r * b % m end b = b * b % m e = e >> 1 end return r end print(gcd(1071, 462), pow(3, 200, 1000007))

-- Ackermann
local function ack(m, n) if m == 0 then return n + 1 elseif n == 0 then return ack(m - 1, 1) else return ack(m - 1, ack(m, n - 1)) end end print(ack(2, 9))

-- Mandelbrot row
local row = {} for x = -2, 0.5, 0.0625 do local cr, ci, zr, zi, n = x, 0.3, 0, 0, 0 while n < 50 and zr * zr + zi * zi < 4 do zr, zi = zr * zr - zi * zi + cr, 2 * zr * zi + ci n = n + 1 end row[#row + 1] = n end print(table.concat(row, " "))

-- matrix product
local function mul(a, b) local c = {} for i = 1, #a do c[i] = {} for j = 1, #b[1] do local s = 0 for k = 1, #b do s = s + a[i][k] * b[k][j] end c[i][j] = s end end return c end local m = mul({ { 1, 2 }, { 3, 4 } }, { { 5, 6 }, { 7, 8 } }) print(m[1][1], m[1][2], m[2][1], m[2][2])

-- word count
local text, n = "the quick brown fox jumps over the lazy dog the end", {} for w in text:gmatch("%a+") do n[w] = (n[w] or 0) + 1 end local k = {} for w in pairs(n) do k[#k + 1] = w end table.sort(k, function(a, b) return n[a] > n[b] or n[a] == n[b] and a < b end) for i = 1, 3 do print(k[i], n[k[i]]) end

-- Caesar cipher
local function rot(s, k) return (s:gsub("%a", function(c) local b = c:match("%l") and 97 or 65 return string.char((c:byte() - b + k) % 26 + b) end)) end print(rot("Hello, World!", 3), rot(rot("Hello, World!", 3), -3))

-- a JSON-like printer with sorted keys
local function ser(v, ind) ind = ind or "" if type(v) == "table" then local k = {} for x in pairs(v) do k[#k + 1] = x end table.sort(k, function(a, b) return tostring(a) < tostring(b) end) local o = {} for _, x in ipairs(k) do o[#o + 1] = ind .. "  " .. tostring(x) .. ": " .. ser(v[x], ind .. "  ") end return "{\n" .. table.concat(o, "\n") .. "\n" .. ind .. "}" end return string.format("%q", v) end print(ser({ a = 1, b = { 1, 2, { c = "x" } }, d = true }))

-- a recursive descent calculator
local function calc(s)
  local pos = 1
  local function peek() local a, b = s:find("^%s*", pos) pos = b + 1 return s:sub(pos, pos) end
  local expr
  local function atom() local c = peek() if c == "(" then pos = pos + 1 local v = expr() assert(peek() == ")") pos = pos + 1 return v end if c == "-" then pos = pos + 1 return -atom() end local a, b = s:find("^%d+%.?%d*", pos) pos = b + 1 return tonumber(s:sub(a, b)) end
  local function term() local v = atom() while true do local c = peek() if c == "*" then pos = pos + 1 v = v * atom() elseif c == "/" then pos = pos + 1 v = v / atom() else return v end end end
  function expr() local v = term() while true do local c = peek() if c == "+" then pos = pos + 1 v = v + term() elseif c == "-" then pos = pos + 1 v = v - term() else return v end end end
  return expr()
end
print(calc("1 + 2 * (3 - 4) / 5 - -6"), calc("2*(3+4)*5"), calc("10/4"))

-- classes with inheritance
local Animal = {} Animal.__index = Animal function Animal.new(n) return setmetatable({ name = n }, Animal) end function Animal:speak() return self.name .. " makes a sound" end
local Dog = setmetatable({}, { __index = Animal }) Dog.__index = Dog function Dog.new(n) local o = Animal.new(n) return setmetatable(o, Dog) end function Dog:speak() return Animal.speak(self) .. ": woof" end
print(Dog.new("Rex"):speak(), Animal.new("It"):speak())

-- linked list and stack
local list = nil for i = 1, 5 do list = { v = i, next = list } end local s = {} while list do s[#s + 1] = list.v list = list.next end print(table.concat(s, ">")) local st = {} for i = 1, 3 do st[#st + 1] = i end while #st > 0 do print(table.remove(st)) end

-- a queue with two indices
local q, first, last = {}, 1, 0 for i = 1, 1000 do last = last + 1 q[last] = i if i % 3 == 0 then q[first] = nil first = first + 1 end end print(first, last, q[first])

-- breadth first search
local g = { a = { "b", "c" }, b = { "d" }, c = { "d", "e" }, d = { "f" }, e = { "f" }, f = {} } local q, seen, order = { "a" }, { a = true }, {} while #q > 0 do local n = table.remove(q, 1) order[#order + 1] = n for _, m in ipairs(g[n]) do if not seen[m] then seen[m] = true q[#q + 1] = m end end end print(table.concat(order))

-- string buffer and split
local function split(s, sep) local o = {} for p in (s .. sep):gmatch("(.-)" .. sep:gsub("%p", "%%%0")) do o[#o + 1] = p end return o end print(#split("a,b,,c", ","), table.concat(split("a.b.c", "."), "|"))

-- memoized functions with varargs
local function memo(f) local c = {} return function(...) local k = table.concat({ ... }, ",") if c[k] == nil then c[k] = f(...) end return c[k] end end local calls = 0 local add = memo(function(a, b) calls = calls + 1 return a + b end) print(add(1, 2), add(1, 2), add(2, 1), calls)

-- curry and compose
local function curry(f, n) n = n or 2 if n < 2 then return f end local function h(a, k) return function(...) local b = { table.unpack(a) } for _, v in ipairs({ ... }) do b[#b + 1] = v end if #b >= k then return f(table.unpack(b)) end return h(b, k) end end return h({}, n) end print(curry(function(a, b, c) return a + b + c end, 3)(1)(2)(3))

-- a read-only proxy
local function ro(t) return setmetatable({}, { __index = t, __newindex = function(_, k) error("read-only " .. k, 0) end, __len = function() return #t end, __pairs = function() return pairs(t) end }) end local p = ro({ 1, 2, x = 3 }) print(p[1], p.x, #p, pcall(function() p.x = 4 end))

-- a tiny scheduler
local tasks, log = {}, {} local function spawn(n, k) tasks[#tasks + 1] = coroutine.create(function() for i = 1, k do log[#log + 1] = n .. i coroutine.yield() end end) end spawn("a", 3) spawn("b", 1) spawn("c", 2) while #tasks > 0 do local t = table.remove(tasks, 1) coroutine.resume(t) if coroutine.status(t) ~= "dead" then tasks[#tasks + 1] = t end end print(table.concat(log, " "))

-- a lazy stream of coroutines
local function map(f, g) return coroutine.wrap(function() for v in g do coroutine.yield(f(v)) end end) end local function take(n, g) return coroutine.wrap(function() for i = 1, n do coroutine.yield(g()) end end) end local function nat() return coroutine.wrap(function() local i = 0 while true do coroutine.yield(i) i = i + 1 end end) end local o = {} for v in take(5, map(function(x) return x * x end, nat())) do o[#o + 1] = v end print(table.concat(o, " "))

-- exceptions by pcall and error objects
local E = setmetatable({}, { __call = function(c, m) return setmetatable({ m = m }, c) end }) E.__index = E E.__tostring = function(e) return "E(" .. e.m .. ")" end local function try(f, catch, finally) local r = table.pack(pcall(f)) if not r[1] then r = table.pack(true, catch(r[2])) end if finally then finally() end return table.unpack(r, 2, r.n) end print(try(function() error(E("bad")) end, function(e) return tostring(e), getmetatable(e) == E end, function() print("finally") end))

-- run-length encoding
local function rle(s) return (s:gsub("(.)%1*", function(c) return c end)), (function() local o, i = {}, 1 while i <= #s do local c = s:sub(i, i) local j = i while s:sub(j, j) == c do j = j + 1 end o[#o + 1] = c .. (j - i) i = j end return table.concat(o) end)() end print(rle("aaabccdddd"))

-- base64
local b = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/" local function enc(s) local o = {} for i = 1, #s, 3 do local a, c, d = s:byte(i, i + 2) local n = a << 16 | (c or 0) << 8 | (d or 0) for k = 0, 3 do if (k == 2 and not c) or (k == 3 and not d) then o[#o + 1] = "=" else local x = (n >> (18 - 6 * k)) & 63 o[#o + 1] = b:sub(x + 1, x + 1) end end end return table.concat(o) end print(enc("Hello"), enc("Lua"), enc("ab"), enc(""))

-- CRC32
local function crc(s) local c = 0xffffffff for i = 1, #s do c = c ~ s:byte(i) for _ = 1, 8 do c = (c >> 1) ~ (0xedb88320 & -(c & 1)) end end return c ~ 0xffffffff end print(string.format("%08x", crc("123456789")))

-- big factorial by digits
local d = { 1 } for n = 2, 30 do local carry = 0 for i = 1, #d do local v = d[i] * n + carry d[i] = v % 10 carry = v // 10 end while carry > 0 do d[#d + 1] = carry % 10 carry = carry // 10 end end print(table.concat(d):reverse())

-- game of life, a glider
local W = 8 local g = {} for i = 0, W * W - 1 do g[i] = 0 end for _, p in ipairs({ 1, W + 2, 2 * W, 2 * W + 1, 2 * W + 2 }) do g[p] = 1 end for step = 1, 4 do local n = {} for y = 0, W - 1 do for x = 0, W - 1 do local c = 0 for dy = -1, 1 do for dx = -1, 1 do if dx ~= 0 or dy ~= 0 then c = c + g[(y + dy) % W * W + (x + dx) % W] end end end local a = g[y * W + x] n[y * W + x] = (c == 3 or (a == 1 and c == 2)) and 1 or 0 end end g = n end local live = {} for i = 0, W * W - 1 do if g[i] == 1 then live[#live + 1] = i end end print(table.concat(live, " "))

-- collatz lengths
local best, at = 0, 0 for n = 1, 3000 do local k, m = 1, n while m ~= 1 do m = m % 2 == 0 and m // 2 or 3 * m + 1 k = k + 1 end if k > best then best, at = k, n end end print(best, at)

-- roman numerals
local R = { { 1000, "M" }, { 900, "CM" }, { 500, "D" }, { 400, "CD" }, { 100, "C" }, { 90, "XC" }, { 50, "L" }, { 40, "XL" }, { 10, "X" }, { 9, "IX" }, { 5, "V" }, { 4, "IV" }, { 1, "I" } } local function roman(n) local s = "" for _, p in ipairs(R) do while n >= p[1] do s = s .. p[2] n = n - p[1] end end return s end print(roman(1994), roman(2024), roman(49))

-- Levenshtein distance
local function lev(a, b) local p = {} for j = 0, #b do p[j] = j end for i = 1, #a do local c = { [0] = i } for j = 1, #b do c[j] = math.min(p[j] + 1, c[j - 1] + 1, p[j - 1] + (a:byte(i) == b:byte(j) and 0 or 1)) end p = c end return p[#b] end print(lev("kitten", "sitting"), lev("", "abc"), lev("same", "same"))

-- numeric integration and Newton's method
local function int(f, a, b, n) local h, s = (b - a) / n, 0 for i = 0, n - 1 do s = s + f(a + (i + 0.5) * h) end return s * h end print(string.format("%.6f", int(function(x) return x * x end, 0, 3, 1000))) local x = 1 for i = 1, 20 do x = x - (x * x - 2) / (2 * x) end print(string.format("%.12f", x))

-- string reversal of words and palindromes
print((("one two three"):gsub("(%w+)", function(w) return w:reverse() end))) local function pal(s) s = s:lower():gsub("%A", "") return s == s:reverse() end print(pal("A man, a plan, a canal: Panama"), pal("no"))

-- bit counting and Gray codes
local function pop(n) local c = 0 while n ~= 0 do n = n & (n - 1) c = c + 1 end return c end print(pop(255), pop(-1), pop(0)) local o = {} for i = 0, 7 do o[#o + 1] = i ~ (i >> 1) end print(table.concat(o, " "))

-- environment sandboxes
local function run(src, env) local f, e = load(src, "=sandbox", "t", env) if not f then return e end return select(2, pcall(f)) end print(run("return x + 1", { x = 1 }), run("return print", {}), run("y = ", {}), run("return nothing.x", {}))

-- event emitter
local function emitter() local h = {} return { on = function(e, f) h[e] = h[e] or {} table.insert(h[e], f) end, emit = function(e, ...) for _, f in ipairs(h[e] or {}) do f(...) end end } end local em = emitter() em.on("x", function(a) print("first", a) end) em.on("x", function(a, b) print("second", a, b) end) em.emit("x", 1, 2) em.emit("y")

-- varargs juggling
local function rev(...) local n, t = select("#", ...), { ... } local r = {} for i = 1, n do r[i] = t[n - i + 1] end return table.unpack(r, 1, n) end print(rev(1, nil, 3, nil)) local function drop(n, ...) return select(n + 1, ...) end print(drop(2, "a", "b", "c", "d"))

-- heap sort
local function heapsort(t) local n = #t local function sift(i, n) while 2 * i <= n do local c = 2 * i if c < n and t[c] < t[c + 1] then c = c + 1 end if t[i] >= t[c] then return end t[i], t[c] = t[c], t[i] i = c end end for i = n // 2, 1, -1 do sift(i, n) end for i = n, 2, -1 do t[1], t[i] = t[i], t[1] sift(1, i - 1) end return t end print(table.concat(heapsort({ 9, 4, 7, 1, 8, 2, 6, 3, 5 }), " "))

-- LZ-like compression round trip
local function comp(s) local d, o, w, n = {}, {}, "", 256 for i = 0, 255 do d[string.char(i)] = i end for c in s:gmatch(".") do if d[w .. c] then w = w .. c else o[#o + 1] = d[w] d[w .. c] = n n = n + 1 w = c end end if w ~= "" then o[#o + 1] = d[w] end return o end print(table.concat(comp("TOBEORNOTTOBEORTOBEORNOT"), " "))
`;
