/**
 * Each way of suspending, in each place where code can stand: the snippets are made by combining
 * them, so that no combination is left out.
 */
const PLACES: Readonly<Record<string, string>> = {
  "a plain call": "return point()",
  "a tail call": "local function f() return point() end return f()",
  "a vararg tail call": "local function f(...) return point(...) end local x = f(1, 2, 3) return x",
  "pcall": "local ok, v = pcall(point) return tostring(ok) .. tostring(v)",
  "pcall in pcall": "local _, ok, v = pcall(pcall, point) return tostring(ok) .. tostring(v)",
  "xpcall": "local ok, v = xpcall(point, tostring) return tostring(ok) .. tostring(v)",
  "__index": "return setmetatable({}, { __index = function() return point() end }).key",
  "__newindex":
    "local r setmetatable({}, { __newindex = function() r = point() end }).key = 1 return r",
  "__call": "return setmetatable({}, { __call = function() return point() end })()",
  "__add": "return setmetatable({}, { __add = function() return point() end }) + 1",
  "__concat": "return 'a' .. setmetatable({}, { __concat = function() return point() end })",
  "__eq":
    "local m = { __eq = function() return point() end } return tostring(setmetatable({}, m) == setmetatable({}, m))",
  "__lt":
    "local m = { __lt = function() return point() end } return tostring(setmetatable({}, m) < setmetatable({}, m))",
  "__len": "return #setmetatable({}, { __len = function() return point() end })",
  "__close":
    "local r do local c <close> = setmetatable({}, { __close = function() r = point() end }) end return r",
  "a closing return":
    "local function f() local c <close> = setmetatable({}, { __close = function() point() end }) return 'kept' end return f()",
  "a for iterator":
    "local s = '' for v in function(_, k) if not k then return point() end end do s = s .. tostring(v) end return s",
  "a numeric for": "local s = 0 for i = 1, 3 do if i == 2 then point() end s = s + i end return s",
  "an and-or": "return point() and 'yes' or 'no'",
  "a table constructor": "local t = { 1, point(), point(), 4 } return #t",
  "an inner generator that finished":
    "local g = coroutine.wrap(function() coroutine.yield(1) end) g() g() return point()",
  "a method of an object": "local o = {} function o:m() return point() end return o:m()",
  "recursion":
    "local function r(n) if n == 0 then return point() end local v = r(n - 1) return v end return r(30)",
  "an upvalue's function": "local v local function set() v = point() end set() return v",
  "select": "return (select('#', point(), point()))",
  "after an error": "pcall(error, 'e') return point()",
  "before an error": "local v = point() local ok, e = pcall(error, v, 0) return tostring(e)",
  "an error handler's caller":
    "local ok, e = xpcall(function() point() error('late', 0) end, function(m) return m .. '!' end) return e",
};

const POINTS: Readonly<Record<string, string>> = {
  "one value": "coroutine.yield('y')",
  "no value": "coroutine.yield()",
  "three values": "coroutine.yield(1, nil, 3)",
  "two yields": "(function() coroutine.yield('first') return coroutine.yield('second') end)()",
  "an inner wrap between":
    "(function() local g = coroutine.wrap(function() coroutine.yield('i') return 'j' end) g() local v = coroutine.yield(g()) return v end)()",
};

function combine(): string {
  const snippets: string[] = [];
  for (const [place, code] of Object.entries(PLACES)) {
    for (const [point, expression] of Object.entries(POINTS)) {
      snippets.push(`-- suspending in ${place}: ${point}
local function point(...) return ${expression} end
local co = coroutine.create(function() ${code} end)
local values = { nil, "a", "b", true, 5, "c" }
for i = 1, 6 do
  print(coroutine.status(co), coroutine.resume(co, values[i]))
  collectgarbage("step")
end`);
    }
  }
  return snippets.join("\n\n");
}

export const matrix = combine();
