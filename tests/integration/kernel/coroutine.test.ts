import { describe, expect, test } from "bun:test";
import { failure, runFunction, runProcess, startApplication } from "../application.ts";

describe("coroutine.spawn", () => {
  test("the first slice runs before spawn returns", async () => {
    expect(
      await runProcess(`local log = {}
        coroutine.spawn(function()
          log[#log + 1] = "spawned"
          coroutine.yield()
          log[#log + 1] = "spawned again"
        end)
        log[#log + 1] = "spawner"
        time.sleep("1ms")
        return log`),
    ).toEqual(["spawned", "spawner", "spawned again"]);
  });

  test("those that are spawned in turn start in order", async () => {
    expect(
      await runProcess(`local log = {}
        for i = 1, 3 do
          coroutine.spawn(function()
            coroutine.spawn(function() log[#log + 1] = i .. " inner" end)
            log[#log + 1] = i .. " outer"
          end)
        end
        time.sleep("1ms")
        return log`),
    ).toEqual(["1 inner", "1 outer", "2 inner", "2 outer", "3 inner", "3 outer"]);
  });

  test("returns the coroutine", async () => {
    expect(await runProcess("return type(coroutine.spawn(function() end))")).toBe("thread");
  });

  test("what the function returns is dropped", async () => {
    expect(await runProcess('coroutine.spawn(function() return nil, "x" end) return "main"')).toBe(
      "main",
    );
  });

  test("wants a function", async () => {
    expect((await failure(runProcess("coroutine.spawn(1)"))).message).toContain(
      "bad argument #1 to 'spawn' (function expected, got number)",
    );
  });

  test("an error in it fails the unit with that error, kind kept", async () => {
    const body = `coroutine.spawn(function()
        time.sleep("1ms")
        error(errors.new{ message = "m", kind = errors.CONFLICT })
      end)
      channel.new():receive()`;
    for (const run of [runProcess, runFunction]) {
      expect(await failure(run(body))).toMatchObject({ kind: "Conflict", message: "m" });
    }
  });
});

describe("running", () => {
  test("is nil in main, the coroutine elsewhere", async () => {
    for (const run of [runProcess, runFunction]) {
      expect(
        await run(`local inner
          local co = coroutine.create(function() inner = coroutine.running() end)
          coroutine.resume(co)
          return { coroutine.running() == nil, inner == co }`),
      ).toEqual([true, true]);
    }
  });
});

describe("yield", () => {
  test("in a managed coroutine only lets the others run, and gives nothing", async () => {
    expect(
      await runProcess(`local log = {}
        coroutine.spawn(function()
          for i = 1, 2 do
            log[#log + 1] = "other"
            coroutine.yield("dropped")
          end
        end)
        for i = 1, 2 do
          log[#log + 1] = "main"
          local value = coroutine.yield("dropped")
          log[#log + 1] = value == nil
        end
        return log`),
    ).toEqual(["other", "main", "other", true, "main", true]);
  });
});

describe("coroutines of the program", () => {
  test("suspend like any other code", async () => {
    expect(
      await runProcess(`local numbers = coroutine.wrap(function()
          for i = 1, 3 do
            time.sleep("1ms")
            coroutine.yield(i)
          end
        end)
        local ch, seen = channel.new(), {}
        coroutine.spawn(function() for i = 1, 3 do ch:send("c" .. i) end end)
        local mixed = coroutine.wrap(function()
          while true do coroutine.yield((ch:receive())) end
        end)
        for i = 1, 3 do
          seen[#seen + 1] = numbers()
          seen[#seen + 1] = mixed()
        end
        return seen`),
    ).toEqual([1, "c1", 2, "c2", 3, "c3"]);
  });

  test("suspend inside of one another", async () => {
    expect(
      await runProcess(
        `local outer = coroutine.wrap(function()
          local inner = coroutine.wrap(function()
            local value = funcs.call("app:twice", 4)
            coroutine.yield(value)
            time.sleep("1ms")
            return "inner end"
          end)
          coroutine.yield(inner())
          coroutine.yield(inner())
        end)
        return { outer(), outer() }`,
        {
          functions: { twice: "return function(x) time.sleep('1ms') return x * 2 end" },
        },
      ),
    ).toEqual([8, "inner end"]);
  });

  test("an error after a suspension reaches whoever resumed it", async () => {
    expect(
      await runProcess(`local co = coroutine.create(function()
          time.sleep("1ms")
          error("x", 0)
        end)
        local ok, message = coroutine.resume(co)
        return { ok, message, coroutine.status(co) }`),
    ).toEqual([false, "x", "dead"]);
  });

  test("a program cannot resume or close a coroutine that the kernel runs", async () => {
    expect(
      await runProcess(`local ch, log = channel.new(), {}
        local co = coroutine.spawn(function() table.insert(log, (ch:receive())) end)
        table.insert(log, ((coroutine.resume(co, "forged"))))
        table.insert(log, ((pcall(coroutine.close, co))))
        ch:send("sent")
        time.sleep("1ms")
        return log`),
    ).toEqual([false, false, "sent"]);
  });

  test("resume passes values as ever", async () => {
    expect(
      await runProcess(`local co = coroutine.create(function(a, ...)
          local b = coroutine.yield(a + 1, ...)
          return b * 2, nil, "last"
        end)
        return { select("#", coroutine.resume(co, 1, nil, nil)), coroutine.resume(co, 4) }`),
    ).toEqual(expect.objectContaining({}));
  });

  test("suspending inside a C function says so", async () => {
    const error = await failure(
      runProcess('table.sort({ 3, 2, 1 }, function(a, b) time.sleep("1ms") return a < b end)'),
    );
    expect(error.message).toContain("attempt to yield across a C-call boundary");
  });
});

test("a yield of a managed coroutine resumes without values", async () => {
  const app = await startApplication({
    functions: {
      main: 'return { main = function() return select("#", coroutine.yield(1, 2)) end }',
    },
  });
  expect(await app.call("main")).toBe(0);
});
