import { tries } from "./tries.ts";

tries("libraries and metatables", [
  ["the string metatable is out of reach", 'return getmetatable("")', false],
  ["it cannot be replaced", 'setmetatable("", { __index = { upper = print } })', /bad argument #1/],
  ["its index cannot be written", 'getmetatable("").__index.upper = nil', /attempt to index/],
  ["a method cannot be replaced", '("").upper = print', /cannot assign|attempt to index/],
  ["string", "string.upper = function() return 'stolen' end", /cannot assign field 'upper'/],
  ["rawset into string", "rawset(string, 'upper', print)", /read-only/],
  ["rawget of string", "return rawget(string, 'upper') == string.upper", true],
  ["next of string", "return string[next(string)] == select(2, next(string))", true],
  ["setmetatable of math", "setmetatable(math, {})", /protected|read-only/],
  ["getmetatable of math", "return getmetatable(math)", false],
  [
    "pairs gives no way behind a library",
    `local f, state = pairs(string)
     if type(state) == "table" then state.upper = nil end
     return ("x"):upper()`,
    "X",
  ],
  ["table.insert into a library", "table.insert(table, print)", /cannot assign|read-only/],
  [
    "table.move into a library",
    "table.move({ print }, 1, 1, 1, string)",
    /cannot assign|read-only/,
  ],
  ["table.sort of a library", "table.sort(string) return 'nothing moved'", "nothing moved"],
  ["table.remove of a library", "table.remove(string)", /cannot assign/],
  ["table.unpack of a library", "return select('#', table.unpack(string))", 0],
  ["process", "process.send = nil", /cannot assign field 'send'/],
  ["process.registry", "process.registry.lookup = nil", /cannot assign field 'lookup'/],
  ["process.event", "process.event.CANCEL = 'x'", /cannot assign field 'CANCEL'/],
  ["errors", "errors.new = nil", /cannot assign field 'new'/],
  ["a listed module", "time.now = nil", /cannot assign field 'now'/],
  ["rawset into a listed module", "rawset(time, 'now', print)", /read-only/],
  ["package.loaded", "return package.loaded == nil and package.preload == nil", true],
  ["package.loadlib", "return type(package.loadlib('libc.so', 'system'))", "string"],
  [
    "a global does not reach another unit",
    "_G.injected = true injected = true return injected",
    true,
  ],
  [
    "one's own environment can hide a library, not change it",
    "_ENV.string = false return string",
    false,
  ],
  [
    "_ENV replaced is one's own loss",
    "local print = print do local _ENV = {} ; x = 1 end return type(print)",
    "function",
  ],
  ["the environment's metatable", "return getmetatable(_G)", false],
  [
    "the environment's metatable replaced",
    "setmetatable(_G, {})",
    /cannot change the metatable of _G/,
  ],
  ["setfenv", "return setfenv == nil and getfenv == nil", true],
  ["debug", "return debug == nil and pcall(require, 'debug')", false],
  ["io", "return io == nil and pcall(require, 'io')", false],
  ["os.execute", "return os.execute == nil and os.remove == nil and os.getenv == nil", true],
  ["load", "return load == nil and loadstring == nil and dofile == nil and loadfile == nil", true],
  ["string.dump", "string.dump(print)", /unable to dump/],
  ["collectgarbage", "return collectgarbage == nil", true],
  ["the host", "return host == nil and runtime == nil and use == nil", true],
  ["require of what is not listed", "require('io')", /module 'io' not found/],
  [
    "require of a kernel file",
    "require('kernel/core/unit')",
    /module 'kernel\/core\/unit' not found/,
  ],
  ["require of a path", "require('../../etc/passwd')", /not found/],
  ["require of a table", "require({})", /bad argument #1 to 'require'/],
  [
    "require with a name that answers later",
    "require(setmetatable({}, { __tostring = function() return 'io' end }))",
    /bad argument #1 to 'require'/,
  ],
]);

tries("finalizers and metamethods", [
  ["__gc", "setmetatable({}, { __gc = print })", /finalizer/],
  [
    "__gc added afterwards",
    `local meta = {}
     local ran = false
     setmetatable({}, meta)
     meta.__gc = function() ran = true end
     for i = 1, 1e5 do local _ = { i } end
     return ran`,
    false,
  ],
  [
    "__gc behind an __index of the metatable",
    `local meta = setmetatable({}, { __index = { __gc = function() injected = true end } })
     setmetatable({}, meta)
     for i = 1, 1e5 do local _ = { i } end
     return injected == nil`,
    true,
  ],
  [
    "__close that raises",
    `local x <close> = setmetatable({}, { __close = function() error("closing") end })
     return 1`,
    /closing/,
  ],
  [
    "__close that suspends",
    `local n = 0
     do local x <close> = setmetatable({}, { __close = function() time.sleep("1ms") n = 1 end }) end
     return n`,
    1,
  ],
  [
    "__close of a process that is terminated does not run on",
    `local pid = process.pid()
     process.terminate(pid)
     local x <close> = setmetatable({}, { __close = function() while true do end end })
     time.sleep("1s")`,
    /process terminated/,
  ],
  [
    "a locked metatable stays locked",
    "setmetatable(setmetatable({}, { __metatable = 1 }), {})",
    /protected/,
  ],
  ["__mode", "return next(setmetatable({}, { __mode = 'kv' })) == nil", true],
  [
    "a forged object fools nobody",
    `local forged = setmetatable({}, { __name = "channel", [1] = true })
     return { type(forged), (pcall(channel.select, { forged })) }`,
    ["table", false],
  ],
  [
    "__tostring that raises, in print",
    "print(setmetatable({}, { __tostring = function() error('no') end }))",
    /no/,
  ],
  [
    "__tostring that gives no text",
    "return tostring(setmetatable({}, { __tostring = function() return {} end }))",
    /must return a string/,
  ],
  [
    "__index without end",
    `local t = {}
     setmetatable(t, { __index = function(t, k) return t[k .. "x"] end })
     return t.a`,
    /stack overflow|not enough memory/,
  ],
  [
    "an __index chain that is a circle",
    "local a, b = {}, {} setmetatable(a, { __index = b }) setmetatable(b, { __index = a }) return a.x",
    /loop/,
  ],
  [
    "__newindex that is a circle",
    "local a, b = {}, {} setmetatable(a, { __newindex = b }) setmetatable(b, { __newindex = a }) a.x = 1",
    /loop/,
  ],
  [
    "__call without end",
    "local t = {} setmetatable(t, { __call = t }) t()",
    /__call' chain too long/,
  ],
  [
    "a __call of a __call of a function",
    "local t = setmetatable({}, { __call = setmetatable({}, { __call = function(...) return select('#', ...) end }) }) return t(1)",
    3,
  ],
  [
    "__concat that recurses",
    "local t = setmetatable({}, {}) getmetatable(t).__concat = function(a, b) return a .. b end return t .. t",
    /stack overflow/,
  ],
  [
    "__eq that suspends",
    "local m = { __eq = function() time.sleep('1ms') return true end } return setmetatable({}, m) == setmetatable({}, m)",
    true,
  ],
  [
    "__len that lies",
    "return #table.pack(table.unpack(setmetatable({}, { __len = function() return 3 end })))",
    0,
  ],
  [
    "__len of 2^53",
    "return table.unpack(setmetatable({}, { __len = function() return 2 ^ 53 end }))",
    /too many results/,
  ],
  [
    "__len in table.concat",
    "return table.concat(setmetatable({}, { __len = function() return math.maxinteger end }))",
    /invalid value/,
  ],
  [
    "__len in table.insert",
    "table.insert(setmetatable({}, { __len = function() return math.maxinteger end }), 1) return 1",
    1,
  ],
  [
    "__pairs that gives nonsense",
    "for k in pairs(setmetatable({}, { __pairs = function() return 1 end })) do end",
    /attempt to call/,
  ],
]);

tries("coroutines", [
  [
    "resume of itself",
    "return select(2, coroutine.resume(coroutine.running() or coroutine.create(print)))",
    undefined,
  ],
  ["the main coroutine is not given", "return coroutine.running() == nil", true],
  [
    "close of itself",
    "local co co = coroutine.create(function() coroutine.close(co) end) return select(2, coroutine.resume(co))",
    "app:try2:3: cannot close a running coroutine",
  ],
  ["wrap of a dead one", "local f = coroutine.wrap(function() end) f() f()", /dead coroutine/],
  [
    "resume with a process parked inside",
    "local co = coroutine.create(function() time.sleep('1ms') return 7 end) return select(2, coroutine.resume(co))",
    7,
  ],
  [
    "another coroutine's park cannot be resumed by hand",
    `local co = coroutine.create(function() return channel.new():receive() end)
     coroutine.spawn(function() time.sleep("5ms") end)
     local waiting = coroutine.spawn(function() return coroutine.resume(co) end)
     time.sleep("2ms")
     return { coroutine.resume(co) }`,
    [false, "cannot resume non-suspended coroutine"],
  ],
  [
    "a spawned coroutine cannot be resumed from outside",
    "local co = coroutine.spawn(function() time.sleep('1s') end) return (coroutine.resume(co))",
    false,
  ],
  [
    "a spawned coroutine cannot be closed while it waits",
    "local co = coroutine.spawn(function() time.sleep('10ms') end) coroutine.close(co) time.sleep('20ms') return coroutine.status(co)",
    /cannot close a normal coroutine/,
  ],
  ["yield at the top", "coroutine.yield(1, 2, 3) return 'went on'", "went on"],
  [
    "yield in a sort comparator",
    "table.sort({ 3, 2, 1 }, function(a, b) coroutine.yield() return a < b end)",
    /attempt to yield across/,
  ],
  [
    "yield in gsub",
    "return (('x'):gsub('x', function() coroutine.yield() end))",
    /attempt to yield across/,
  ],
  [
    "sleep in a sort comparator",
    "table.sort({ 3, 2, 1 }, function(a, b) time.sleep('1ms') return a < b end)",
    /attempt to yield across|cannot wait/,
  ],
  [
    "sleep in gsub",
    "return (('x'):gsub('x', function() time.sleep('1ms') end))",
    /attempt to yield across|cannot wait/,
  ],
  [
    "sleep in a generator",
    "local g = coroutine.wrap(function() time.sleep('1ms') coroutine.yield(1) end) return g()",
    1,
  ],
  [
    "a hundred nested coroutines",
    `local function nest(n) if n == 0 then return 'deep' end return coroutine.wrap(nest)(n - 1) end return nest(100)`,
    "deep",
  ],
  [
    "coroutines nested without end",
    "local function nest() return coroutine.wrap(nest)() end return nest()",
    /C stack overflow|stack overflow/,
  ],
  ["isyieldable", "return type(coroutine.isyieldable())", "boolean"],
  [
    "coroutine.create of a C function",
    "return select(2, coroutine.resume(coroutine.create(string.rep), 'x', 2))",
    "xx",
  ],
  ["a thread in a message", "process.send(process.pid(), 't', coroutine.create(print))", undefined],
]);
