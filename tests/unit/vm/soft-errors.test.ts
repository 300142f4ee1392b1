import { expect, test } from "bun:test";
import { makeVm, run } from "./make_vm.ts";

/** Fuel that an exception burns: what burns less threw none. */
const THROW = 2000;

/**
 * `try(f, …)` in a coroutine of the application, as in the main thread, where all errors are exceptions: its results,
 * and what it has burnt in the coroutine.
 */
const BOTH = `
local function inside(...)
  host.slice(1000000)
  local results
  local co = coroutine.create(function(...) results = table.pack(try(...)) end)
  local status = host.resume(co, ...)
  assert(status == 0, status)
  return results, host.burnt(co)
end
local function both(...)
  local results, burnt = inside(...)
  local plain = table.pack(try(...))
  return burnt, table.concat(results, "|", 1, results.n), table.concat(plain, "|", 1, plain.n)
end
`;

/** Lua that defines `try`, then the function that it is given: both results, and the fuel. */
async function results(definition: string, f: string, jit: boolean) {
  const vm = await makeVm({ jit });
  const source = `local try\n${definition}\n${BOTH}\nlocal f = ${f}\nreturn both(f, {}, f)`;
  const [whole] = vm.load(`return function() ${source} end`, "=test:code");
  if (jit) vm.compiling!.hot!.compileAll();
  const [burnt, soft, plain] = vm.call(whole!);
  return { burnt: Number(burnt), soft, plain };
}

const text = `local function text(...)
  local t = table.pack(...)
  for i = 1, t.n do t[i] = tostring(t[i]):gsub("0x%x+", "0x") end
  return table.unpack(t, 1, t.n)
end`;
const PCALL = `${text} try = function(f, ...) return text(pcall(f, ...)) end`;

const INSTRUCTIONS: Record<string, string> = {
  "a field of nil": "function(t) return t.x.y end",
  "a global's field": "function(t) return none.y end",
  "an upvalue's field": "(function() local up return function() return up.x end end)()",
  "an index": "function(t) return t.x[1] end",
  "a key in a register": "function(t, k) return t.x[k] end",
  "a field set": "function(t) t.x.y = 1 end",
  "an index set": "function(t, k) t.x[k] = k end",
  "a method": "function(t) return t:none() end",
  "a method that is called": "function(t) t:none() end",
  "a tail call": "function(t) return t.x(1, 2) end",
  "a method of nil": "function(t) return t.x:none() end",
  "an addition": "function(t) return t + 1 end",
  "the other order": "function(t) return 1 - t end",
  "two registers": "function(t, k) return t * k end",
  "a constant behind": "function(t) return t / 2.5 end",
  "a negation": "function(t) return -t end",
  "bits": "function(t) return t & 1 end",
  "bits of a float": "function() local x = 1.5 return 1 | x end",
  "a complement": "function(t) return ~t end",
  "a call of nil": "function(t) t.x(1, 2) end",
  "a call with results": "function(t) local a, b = none(t) return a, b end",
  "a table with __call of no function": "function(t) setmetatable(t, { __call = 1 })(1) end",
  "a table as __index of nil": "function(t) return setmetatable(t, { __index = 1 }).x end",
  "deep in calls":
    "function(t) local function g(n) if n == 0 then return t.x.y end g(n - 1) end g(50) end",
};

for (const jit of [false, true]) {
  test.each(Object.entries(INSTRUCTIONS))(
    `an error of an instruction throws nothing where a pcall catches it: %s, compiled: ${jit}`,
    async (_, f) => {
      const { burnt, soft, plain } = await results(PCALL, f, jit);
      expect(soft).toBe(plain);
      expect(String(soft)).toStartWith("false|test:code:");
      expect(burnt).toBeLessThan(THROW);
    },
  );
}

/** With something between, or around: whatever it takes, the results are the same. */
const AROUND: Record<string, [string, string]> = {
  "a handler": [
    `${text} try = function(f, ...)
      return text(xpcall(f, function(e) return debug.getinfo(2, "l").currentline .. e .. debug.traceback("", 2):sub(1, 60) end, ...))
    end`,
    "function(t) return t.x.y end",
  ],
  "a handler that fails": [
    `${text} try = function(f, ...) return text(xpcall(f, function(e) return e.x.y end, ...)) end`,
    "function(t) return t.x.y end",
  ],
  "variables to be closed": [
    PCALL,
    `function(t)
      local log = {}
      local a <close> = setmetatable({}, { __close = function(_, e) log[1] = e end })
      local ok, e = pcall(function()
        local b <close> = setmetatable({}, { __close = function(_, e) log[2] = e return nil + 1 end })
        return t.x.y
      end)
      error(tostring(ok) .. tostring(e) .. tostring(log[2]), 0)
    end`,
  ],
  "a metamethod between": [
    PCALL,
    "function(t) return setmetatable(t, { __index = function(_, k) return k.x.y end }).z end",
  ],
  "a comparator between": [
    PCALL,
    "function(t) table.sort({ 1, 2 }, function(a) return a.x.y end) end",
  ],
  "a hook": [
    PCALL,
    `function(t)
      local e
      debug.sethook(function() debug.sethook() e = select(2, pcall(function() return t.x.y end)) return nil + 1 end, "l")
      local x = 1
      return e
    end`,
  ],
  "pcalls in each other": [
    PCALL,
    `function(t)
      local a = select(2, pcall(function() return select(2, pcall(function() return t + 1 end)) .. t.x.y end))
      local b = select(2, pcall(pcall, nil))
      return t[a][b]
    end`,
  ],
  "a coroutine that ends so": [
    PCALL,
    `function(t)
      local co = coroutine.create(function() coroutine.yield() return t.x.y end)
      coroutine.resume(co)
      local a, b = coroutine.resume(co)
      return t[b], coroutine.wrap(function() return t.x.y end)()
    end`,
  ],
  "finalizers that fail meanwhile": [
    PCALL,
    `function(t)
      collectgarbage("setpause", 1) collectgarbage("setstepmul", 1000)
      local last
      for i = 1, 300 do
        setmetatable({}, { __gc = function(o) pcall(function() return o.x.y end) return nil + 1 end })
        last = select(2, pcall(function() return t.x["key" .. i] end))
      end
      collectgarbage("setpause", 200) collectgarbage("setstepmul", 100)
      error(last, 0)
    end`,
  ],
  "no room for the message": [
    PCALL,
    `function(t)
      local function deep(n) local ok, e = pcall(function() if n > 0 then return deep(n - 1) end return t.x.y end) return e end
      error(deep(190), 0)
    end`,
  ],
  "a __call that is the table itself": [
    PCALL,
    "function(t) local a = setmetatable(t, { __call = t })(1) return a end",
  ],
  "the same in a tail call": [
    PCALL,
    "function(t) return setmetatable(t, { __call = t })(1) end",
  ],
  "a yield behind it": [
    PCALL,
    `function(t)
      local g = coroutine.wrap(function()
        for i = 1, 3 do
          local ok, e = pcall(function() coroutine.yield(i) return t.x.y end)
          coroutine.yield(e)
        end
      end)
      local all = ""
      for i = 1, 6 do all = all .. tostring(g()) end
      error(all, 0)
    end`,
  ],
};

for (const jit of [false, true]) {
  test.each(Object.entries(AROUND))(
    `an error of an instruction is what it is as an exception, with %s, compiled: ${jit}`,
    async (_, [definition, f]) => {
      const { soft, plain } = await results(definition, f, jit);
      expect(soft).toBe(plain);
    },
  );
}

test("memory that ends in a soft error's message leaves the next errors as they are", async () => {
  const vm = await makeVm({ memoryLimit: 24 * 2 ** 20 });
  const [count] = run(
    vm,
    `host.slice(1000000000)
    local co = coroutine.create(function()
      local hold, count = {}, 0
      local ok = pcall(function() while true do hold[#hold + 1] = ("x"):rep(1000) .. #hold end end)
      for i = 1, 300 do
        local ok, e = pcall(function() local key return key[{}] end)
        local ok2, e2 = pcall(function() return {} < 1 end)
        if not ok and not ok2 then count = count + 1 end
        if i == 200 then hold = nil end
      end
      return count
    end)
    local status, count = host.resume(co)
    while status == 3 do status, count = host.resume(co) end
    return count`,
  );
  expect(count).toBe(300);
});
