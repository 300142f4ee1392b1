import { tries, type Try } from "./tries.ts";

const ranTooLong = /went on until it was terminated/;

/** Loops that never end: each is one that the host must get control back from. */
const endless: Try[] = [
  ["while", "while true do end", ranTooLong],
  ["goto", "::again:: goto again", ranTooLong],
  ["for", "for i = 1, math.huge do end", ranTooLong],
  ["repeat", "repeat until false", ranTooLong],
  ["tail calls", "local function f() return f() end f()", ranTooLong],
  ["caught errors", "while true do pcall(error) end", ranTooLong],
  [
    "caught errors with handlers",
    "while true do xpcall(error, function() error('again') end) end",
    ranTooLong,
  ],
  ["an iterator", "for _ in function() return 1 end do end", ranTooLong],
  [
    "a generator",
    "for _ in coroutine.wrap(function() while true do coroutine.yield(1) end end) do end",
    ranTooLong,
  ],
  ["yields", "while true do coroutine.yield() end", ranTooLong],
  ["resumes", "while true do coroutine.resume(coroutine.create(print)) end", ranTooLong],
  [
    "a metamethod",
    "local t = setmetatable({}, { __index = function() while true do end end }) return t.x",
    ranTooLong,
  ],
  [
    "a close handler",
    "do local x <close> = setmetatable({}, { __close = function() while true do end end }) end",
    ranTooLong,
  ],
  [
    "a pcall that catches being stopped",
    "while true do pcall(function() while true do end end) end",
    ranTooLong,
  ],
  [
    "messages to itself",
    "while true do process.send(process.pid(), 't', 1) process.inbox():receive() end",
    ranTooLong,
  ],
  ["time.now", "while true do time.now() end", ranTooLong],
  ["timers", "while true do time.after('1h') end", /went on until|memory/],
  ["channels", "while true do channel.new(10):send(1) end", ranTooLong],
  [
    "select with default",
    "local c = channel.new() while true do channel.select({ c:case_receive(), default = true }) end",
    ranTooLong,
  ],
  ["logs", "for i = 1, 2000 do print(i) end return 1", 1],
];
tries("loops without end", endless, { timeout: "150ms" });

const stuck = /ran too long where it cannot yield/;
tries("loops where nothing can yield", [
  [
    "tostring",
    "tostring(setmetatable({}, { __tostring = function() while true do end end }))",
    stuck,
  ],
  ["a sort comparator", "table.sort({ 1, 2, 3 }, function() while true do end end)", stuck],
  ["a gsub callback", "return (('x'):gsub('.', function() while true do end end))", stuck],
  [
    "a pattern that backtracks",
    "return (('a'):rep(40)):find(('a*'):rep(20) .. 'b')",
    stuck,
  ],
  [
    "a set as long as the text",
    "return (('b'):rep(1e6)):find('b[' .. ('a'):rep(1e6) .. ']')",
    stuck,
  ],
  [
    "a pattern over a balanced text",
    "return (('('):rep(200000)):find(('.-'):rep(12) .. '%b()x')",
    stuck,
  ],
], { timeout: "30s" });

tries("bombs", [
  ["string.rep", "return #('x'):rep(2 ^ 31)", /too large|not enough memory/],
  ["string.rep of rep", "return #(('x'):rep(1e8):rep(1e3))", /too large|not enough memory/],
  [
    "string.rep with a separator",
    "return #('x'):rep(1e9, ('y'):rep(1e3))",
    /too large|not enough memory/,
  ],
  ["doubling", "local s = 'x' while true do s = s .. s end", /not enough memory|length overflow/],
  [
    "a table that grows",
    "local t = {} for i = 1, math.huge do t[i] = i end",
    /not enough memory|went on/,
  ],
  ["nested tables", "local t = {} while true do t = { t } end", /not enough memory/],
  [
    "a table of long texts",
    "local t = {} for i = 1, 1e9 do t[i] = ('x'):rep(1e5) .. i end",
    /not enough memory/,
  ],
  [
    "coroutines",
    "local t = {} for i = 1, 1e9 do t[i] = coroutine.create(print) end",
    /not enough memory/,
  ],
  [
    "closures",
    "local t = {} for i = 1, 1e9 do t[i] = function() return i end end",
    /not enough memory/,
  ],
  [
    "table.concat",
    "local t = {} for i = 1, 1e5 do t[i] = ('x'):rep(1e5) end return #table.concat(t)",
    /not enough memory|too large/,
  ],
  ["string.format", "return #(('%99d'):rep(1e7):format(1))", /./],
  [
    "string.format with a long precision",
    "return string.format('%.999f', 1)",
    /invalid conversion|invalid format/,
  ],
  ["unpack", "return table.unpack({}, 1, 1e8)", /too many results/],
  ["select of many", "return select('#', table.unpack({}, 1, 1e6))", /too many results/],
  [
    "string.byte of many",
    "return ('x'):rep(1e7):byte(1, -1)",
    /slice too long|stack overflow|not enough memory/,
  ],
  ["string.char of many", "return #string.char(table.unpack({}, 1, 200))", /number expected/],
  [
    "recursion",
    "local function f() return 1 + f() end return f()",
    /stack overflow|not enough memory/,
  ],
  ["recursion through pcall", "local function f() return pcall(f) end return (f())", true],
  [
    "recursion through a metamethod",
    "local t = setmetatable({}, {}) getmetatable(t).__add = function(a, b) return a + b end return t + t",
    /stack overflow/,
  ],
  [
    "recursion through sort",
    "local function f() table.sort({ 1, 2 }, f) end f()",
    /stack overflow/,
  ],
  [
    "recursion through gsub",
    "local function f() return ('x'):gsub('x', f) end f()",
    /stack overflow/,
  ],
  [
    "recursion through tostring",
    "local t = setmetatable({}, {}) getmetatable(t).__tostring = function() return tostring(t) end return tostring(t)",
    /stack overflow/,
  ],
  [
    "a deep pattern",
    "return (('('):rep(1e5)):find(('('):rep(100) .. 'x')",
    /too many captures|unfinished capture/,
  ],
  [
    "a pattern too complex",
    "return (('x'):rep(3e5)):match('(.-)*$' .. ('x?'):rep(1e5) .. '$') == nil",
    /./,
  ],
  ["string.pack", "return #string.pack('s' , ('x'):rep(1e6))", 1000004],
  ["string.pack of a size that does not fit", "return string.pack('!17 i17', 1)", /out of limits/],
  ["string.unpack out of the text", "return string.unpack('i4', 'x')", /too short/],
  ["string.unpack with a far position", "return string.unpack('i1', 'x', 2 ^ 53)", /out of string/],
  [
    "table.move far away",
    "return #table.move({ 1 }, 1, math.maxinteger - 1, 2)",
    /ran too long/,
  ],
  ["table.insert at a far place", "table.insert({}, 2 ^ 53, 1)", undefined],
  ["tonumber of a long text", "return tonumber(('1'):rep(1e6)) == 1 / 0", true],
  [
    "a number that is no integer as index",
    "return ({})[0 / 0] == nil and pcall(rawset, {}, 0 / 0, 1)",
    false,
  ],
  ["math.random of an empty range", "return math.random(2, 1)", /interval is empty/],
  ["math.tointeger of a table", "return math.tointeger({}) == nil", true],
  ["a division by zero", "return 1 // 0", /divide by zero|n\/\/0/],
], { memoryLimit: 96 * 1024 * 1024 });
