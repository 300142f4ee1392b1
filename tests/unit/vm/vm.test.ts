import { describe, expect, test } from "bun:test";
import { WippyError } from "../../../src/vm/error.ts";
import { LuaFloat, MultiReturn, type Vm, VmTrap } from "../../../src/vm/vm.ts";
import { fn, makeVm, run } from "./make_vm.ts";

/** The WippyError that `action` throws. */
function errorOf(action: () => unknown): WippyError {
  try {
    action();
  } catch (error) {
    if (error instanceof WippyError) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}

describe("load and call", () => {
  test("a chunk gets its arguments and leaves its results", async () => {
    const vm = await makeVm();
    const [add, name] = vm.load(
      `local base, name = ... return function(n) return base + n end, name`,
      "=app:adder",
      40,
      "text",
    );
    expect(vm.call(add!, 2)).toEqual([42]);
    expect(vm.call(fn(vm, "x", "return x"), name)).toEqual(["text"]);
  });

  test("a result may be a function, which can be called", async () => {
    const vm = await makeVm();
    const [make] = vm.load(`return function(n) return n end`, "=app:x");
    expect(vm.call(make!, make)).toEqual([undefined]);
    const [table] = vm.load(`return { f = function(x) return x * 2 end }`, "=app:y");
    expect(vm.call(fn(vm, "t, x", "return t.f(x)"), table, 4)).toEqual([8]);
  });

  test("any number of arguments and results", async () => {
    const vm = await makeVm();
    const many = Array.from({ length: 500 }, (_, i) => i);
    expect(run(vm, "return ...", ...many)).toEqual(many);
    expect(run(vm, "return")).toEqual([]);
  });

  test("bytecode is refused", async () => {
    const vm = await makeVm();
    expect(vm.compile("\x1bLua", "=app:x")?.message).toContain("attempt to load a binary chunk");
  });
});

describe("errors", () => {
  test("of Lua carry position and traceback", async () => {
    const vm = await makeVm();
    const [f] = vm.load(
      `local function inner(t)
        return t.field.x
      end
      return function() local r = inner({}) return r end`,
      "=app:thing",
    );
    const error = errorOf(() => vm.call(f!));
    expect(error.kind).toBe("Internal");
    expect(error.message).toBe("app:thing:2: attempt to index a nil value (field 'field')");
    expect(error.position).toBe("app:thing:2");
    expect(error.retryable).toBeUndefined();
    expect(error.luaStack).toContain("app:thing:2: in upvalue 'inner'");
  });

  test("without a position in the text get that of the raising function", async () => {
    const vm = await makeVm();
    const error = errorOf(() => run(vm, "\nerror('bare', 0)"));
    expect(error.message).toBe("bare");
    expect(error.position).toBe("test:code:3");
  });

  test("that are not strings say what they are", async () => {
    const vm = await makeVm();
    expect(errorOf(() => run(vm, "error({})")).message).toBe("(error of type table)");
    expect(errorOf(() => run(vm, "error()")).message).toBe("(error of type nil or function)");
  });

  test("of syntax name the line", async () => {
    const vm = await makeVm();
    const error = errorOf(() => vm.load("local x = 1\nx = = 2", "=app:thing"));
    expect(error.kind).toBe("Invalid");
    expect(error.message).toBe("app:thing:2: unexpected symbol near '='");
    expect(error.position).toBe("app:thing:2");
    expect(vm.compile("local x = 1\nx = = 2", "=app:thing")).toEqual({
      line: 2,
      message: "unexpected symbol near '='",
    });
    expect(vm.compile("return 1", "=app:thing")).toBeUndefined();
  });

  test("do not disturb what comes after", async () => {
    const vm = await makeVm();
    for (let i = 0; i < 300; i++) errorOf(() => run(vm, "error('x')"));
    expect(run(vm, "return 1, 2, 3")).toEqual([1, 2, 3]);
  });
});

/** Error objects as the kernel's errors.lua makes them. */
function withErrors(vm: Vm): Vm {
  const [metatable, construct] = vm.load(
    `local methods = {}
    function methods:kind() return self._kind end
    function methods:message() return self._message end
    function methods:details() return self._details end
    local meta = host.mark({ true, __index = methods })
    return meta, function(kind, message, retryable, details, stack)
      return setmetatable({ _kind = kind, _message = message, _retryable = retryable,
        _details = details, _stack = stack }, meta)
    end`,
    "=errors",
  );
  vm.setErrorType({ metatable: metatable!, construct: construct! });
  return vm;
}

describe("Error objects", () => {
  test("cross in both directions", async () => {
    const vm = withErrors(await makeVm());
    const error = new WippyError("Conflict", "seat taken", {
      retryable: false,
      details: { seat: "12A" },
    });
    expect(run(vm, "local e = ... return e:kind(), e:message(), e:details(), host.type(e)", error))
      .toEqual(["Conflict", "seat taken", { seat: "12A" }, "userdata"]);
    const [back] = run(vm, "return ...", error) as [WippyError];
    expect(back).toBeInstanceOf(WippyError);
    expect(back.toJSON()).toEqual(error.toJSON());
  });

  test("thrown by a host function are raised in Lua, and come back whole", async () => {
    const vm = withErrors(await makeVm());
    vm.register("fail", () => {
      throw new WippyError("NotFound", "no such thing", { retryable: true });
    });
    expect(run(vm, "local ok, e = pcall(host.fail) return ok, e:kind()")).toEqual([
      false,
      "NotFound",
    ]);
    const error = errorOf(() => run(vm, "host.fail()"));
    expect(error.kind).toBe("NotFound");
    expect(error.message).toBe("no such thing");
    expect(error.retryable).toBe(true);
    expect(error.position).toBe("test:code:2");
    expect(error.luaStack).toContain("test:code:2");
  });

  test("before there is an Error type, are raised as their message", async () => {
    const vm = await makeVm();
    vm.register("fail", () => {
      throw new WippyError("NotFound", "no such thing");
    });
    expect(run(vm, "return pcall(host.fail)")).toEqual([false, "no such thing"]);
  });
});

describe("host functions", () => {
  test("take and give values", async () => {
    const vm = await makeVm();
    const seen: unknown[] = [];
    vm.register("note", (...args) => {
      seen.push(args);
    });
    vm.register("two", () => new MultiReturn(["a", [1, 2]]));
    vm.register("echo", (value) => value);
    expect(run(
      vm,
      "host.note(1, nil, 'x', {}) local a, b = host.two() return a, b, host.echo({ k = 1.0 }), select('#', host.note())",
    )).toEqual(["a", [1, 2], { k: new LuaFloat(1) }, 0]);
    expect(seen).toEqual([[1, undefined, "x", {}], []]);
  });

  test("raise any exception as an error", async () => {
    const vm = await makeVm();
    vm.register("fail", () => {
      throw new TypeError("a bug");
    });
    expect(run(vm, "return pcall(host.fail)")).toEqual([false, "a bug"]);
  });

  test("may call back into Lua, errors included", async () => {
    const vm = await makeVm();
    const double = fn(vm, "x", "if x < 0 then error('negative', 0) end return x * 2");
    vm.register("twice", (x) => vm.call(double, x)[0]);
    expect(run(vm, "return host.twice(4), pcall(host.twice, -1)")).toEqual([8, false, "negative"]);
    const inCoroutine =
      "return coroutine.wrap(function() return host.twice(5), host.twice(6) end)()";
    expect(run(vm, inCoroutine)).toEqual([10, 12]);
    expect(run(vm, "local ok, e = pcall(host.twice, -1) return e")).toEqual(["negative"]);
  });

  test("work on the stack themselves when they are raw", async () => {
    const vm = await makeVm();
    vm.registerRaw("sum", (L) => {
      let sum = 0;
      for (let i = 1; i <= vm.top(L); i++) sum += vm.read(L, i) as number;
      vm.push(L, sum);
      vm.push(L, vm.top(L) - 1);
      return 2;
    });
    expect(run(vm, "return host.sum(1, 2, 3)")).toEqual([6, 3]);
  });

  test("refuse what Lua cannot hold", async () => {
    const vm = await makeVm();
    vm.register(
      "give",
      (n) => [() => 1, Symbol("s"), new Date(0), 2n ** 70n][n as number] as never,
    );
    const message = (n: number) => run(vm, "return select(2, pcall(host.give, ...))", n)[0];
    expect(message(0)).toBe("a function cannot be passed to Lua");
    expect(message(1)).toBe("a symbol cannot be passed to Lua");
    expect(message(2)).toBe("a Date cannot be passed to Lua");
    expect(message(3)).toContain("does not fit a Lua integer");
  });
});

describe("the natives", () => {
  test("host.type says userdata for objects", async () => {
    const vm = await makeVm();
    const types = `local object = setmetatable({}, host.mark({ true }))
      local plain = setmetatable({}, { true })
      return host.type(object), host.type(plain), host.type(setmetatable({}, {})), host.type({}),
        host.type(nil), host.type(1), host.type("s"), host.type(print), host.type(coroutine.create(print)),
        (pcall(host.type))`;
    expect(run(vm, types)).toEqual([
      "userdata",
      "table",
      "table",
      "table",
      "nil",
      "number",
      "string",
      "function",
      "thread",
      false,
    ]);
  });

  test("host.now is the clock, to the nanosecond", async () => {
    let now = 1_700_000_000_123.5;
    const vm = await makeVm({ clock: () => now });
    expect(run(vm, "return host.now(), math.type(host.now())")).toEqual([
      1_700_000_000_123_500_000n,
      "integer",
    ]);
    now = 0.000001;
    expect(run(vm, "return host.now(), os.time()")).toEqual([1, 0]);
  });

  test("host.where and host.traceback know coroutines", async () => {
    const vm = await makeVm();
    expect(run(
      vm,
      `local co = coroutine.create(function()
        coroutine.yield()
      end)
      coroutine.resume(co)
      return host.where(1), host.where(co, 1), host.where(co, 0), (host.traceback(co)):match("code:(%d+)")`,
    )).toEqual(["test:code:6", "test:code:3", undefined, "3"]);
  });

  test("host.memory and memory() count what Lua uses", async () => {
    const vm = await makeVm({ memoryLimit: 64 << 20 });
    const [before, after] = run(
      vm,
      `collectgarbage() local a = host.memory() big = ("x"):rep(1e6) return a, host.memory()`,
    ) as number[];
    expect(after! - before!).toBeGreaterThan(1_000_000);
    expect(vm.memory().used).toBeGreaterThan(1_000_000);
    expect(vm.memory().limit).toBe(64 << 20);
  });

  test("no VM has more than 2 GiB, whatever it is given", async () => {
    expect((await makeVm({ memoryLimit: 3500 * 2 ** 20 })).memory().limit).toBe(2 ** 31);
  });

  test("what Lua prints goes to write", async () => {
    let text = "";
    const vm = await makeVm({ write: (part) => text += part });
    run(vm, `print("grüße", 1) io.write("a", 2) io.stderr:write("err")`);
    expect(text).toBe("grüße\t1\na2err");
  });

  test("there is no file system and no process", async () => {
    const vm = await makeVm();
    expect(run(vm, `return io.open("/etc/passwd"), os.execute(), os.getenv("PATH")`)).toEqual([
      undefined,
      false,
      undefined,
    ]);
  });
});

describe("limits", () => {
  test("beyond the memory ceiling Lua meets an error, and goes on", async () => {
    const vm = await makeVm({ memoryLimit: 32 << 20 });
    const grow = `local t = {} while true do t[#t + 1] = ("x"):rep(1000) .. #t end`;
    expect(errorOf(() => run(vm, grow)).message).toBe("not enough memory in the Lua VM");
    expect(run(vm, `return pcall(function() ${grow} end)`)).toEqual([false, "not enough memory"]);
    expect(run(vm, `return host.resume(coroutine.create(function() ${grow} end))`)).toEqual([
      -1,
      "not enough memory",
    ]);
    expect(run(vm, `collectgarbage() return #("x"):rep(1e6)`)).toEqual([1_000_000]);
    expect(vm.memory().used).toBeLessThan(16 << 20);
  });

  test("values too large for the memory are refused, and it goes on", async () => {
    const vm = await makeVm({ memoryLimit: 32 << 20 });
    const large = "x".repeat(20 << 20);
    expect(errorOf(() => run(vm, "return #...", large)).message).toContain("not enough memory");
    vm.register("large", () => large);
    expect(run(vm, "return pcall(host.large)")[0]).toBe(false);
    expect(run(vm, "return 1")).toEqual([1]);
  });

  test("a stack that overflows is an error, and it goes on", async () => {
    const vm = await makeVm();
    const error = errorOf(() => run(vm, "local function f() return 1 + f() end f()"));
    expect(error.message).toContain("stack overflow");
    expect(error.position).toMatch(/^test:code:\d+$/);
    expect(
      run(
        vm,
        "local function f(n) if n == 0 then return 0 end return 1 + f(n - 1) end return f(50000)",
      ),
    )
      .toEqual([50_000]);
  });

  test("thousands of suspended coroutines survive collections", async () => {
    const vm = await makeVm();
    expect(run(
      vm,
      `local units = {}
      for i = 1, 5000 do
        units[i] = coroutine.create(function(...)
          local mine = { ... }
          for v in coroutine.wrap(function() while true do coroutine.yield((host.park())) end end) do
            mine[#mine + 1] = v
            if #mine == 3 then return table.concat(mine, " ") end
          end
        end)
        host.resume(units[i], i)
      end
      collectgarbage()
      for i = 1, 5000 do host.resume(units[i], "a" .. i) end
      collectgarbage("generational") collectgarbage()
      local wrong = 0
      for i = 1, 5000 do
        local status, text = host.resume(units[i], "b" .. i)
        if status ~= 0 or text ~= i .. " a" .. i .. " b" .. i then wrong = wrong + 1 end
      end
      return wrong`,
    )).toEqual([0]);
  });

  test("an idle unit takes less than 2 KB", async () => {
    const vm = await makeVm();
    const [bytes] = run(
      vm,
      `local function body() host.park() end
      local units = {}
      for i = 1, 1000 do units[i] = false end
      collectgarbage()
      local before = host.memory()
      for i = 1, 1000 do local co = coroutine.create(body) host.resume(co) units[i] = co end
      collectgarbage()
      return (host.memory() - before) // 1000`,
    );
    expect(bytes).toBeLessThan(2048);
  });

  test("after close nothing runs", async () => {
    const vm = await makeVm();
    vm.close();
    expect(() => run(vm, "return 1")).toThrow(VmTrap);
  });
});

test("the order of next is the same in every VM", async () => {
  const order = async (clock: number) =>
    run(
      await makeVm({ clock: () => clock }),
      `local t, keys = {}, {}
       for i = 1, 200 do t["key " .. i] = i end
       for key in next, t do keys[#keys + 1] = key end
       return table.concat(keys, ",")`,
    );
  expect(await order(1)).toEqual(await order(1_795_000_000_000.5));
});
