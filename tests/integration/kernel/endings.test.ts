import { describe, expect, test } from "bun:test";
import { failure, main, runFunction, runProcess } from "../application.ts";

for (const [unit, run] of [["function", runFunction], ["process", runProcess]] as const) {
  describe(`the end of a ${unit}`, () => {
    test("nothing returned is nil", async () => {
      expect(await run("return")).toBeUndefined();
    });

    test("only the first value is the result", async () => {
      expect(await run("return 1, nil, 3")).toBe(1);
    });

    test("a second value that is no text and no error is ignored", async () => {
      expect(await run("return 1, 2")).toBe(1);
      expect(await run("return 1, {}")).toBe(1);
      expect(await run("return 1, true")).toBe(1);
    });

    test("a returned text is an Internal error that is not retryable, even an empty one", async () => {
      expect(await failure(run('return 1, "wrong"'))).toMatchObject({
        kind: "Internal",
        message: "wrong",
        retryable: false,
      });
      expect(await failure(run('return 1, ""'))).toMatchObject({ kind: "Internal", message: "" });
    });

    test("a returned Error keeps kind, message, retryable and details", async () => {
      const body = `return nil, errors.new{ message = "taken", kind = errors.CONFLICT,
        retryable = true, details = { seat = "12A" } }`;
      expect(await failure(run(body))).toMatchObject({
        kind: "Conflict",
        message: "taken",
        retryable: true,
        details: { seat: "12A" },
      });
    });

    test("a returned Error without kind becomes Internal", async () => {
      expect(await failure(run('return nil, errors.new("x")'))).toMatchObject({
        kind: "Internal",
        message: "x",
      });
    });

    test("a raised text is Internal, with its place", async () => {
      const error = await failure(run('error("broken")'));
      expect(error).toMatchObject({ kind: "Internal", message: "app:main:3: broken" });
    });

    test("a raised Error keeps its kind", async () => {
      expect(await failure(run('error(errors.new{ message = "m", kind = errors.TIMEOUT })')))
        .toMatchObject({ kind: "Timeout", message: "m" });
    });

    test("a fault in a spawned coroutine fails the unit", async () => {
      const error = await failure(
        run(`coroutine.spawn(function()
          time.sleep("1ms")
          error("in the other")
        end)
        time.sleep("10s")`),
      );
      expect(error.message).toContain("in the other");
    });
  });
}

test("the other coroutines of a process are killed when main returns", async () => {
  // Both sleeps start at the same time on the same timers, so the longer one is the later.
  const short = main(`local parent = ...
    coroutine.spawn(function()
      time.sleep("5ms")
      process.send(parent, "alive")
    end)
    return "done"`);
  const body = `local alive = process.listen("alive")
    process.spawn("app:short", "app:processes", process.pid())
    local limit = time.after("10ms")
    local result = channel.select{ alive:case_receive(), limit:case_receive() }
    return result.channel == limit`;
  expect(await runProcess(body, { processes: { short } })).toBe(true);
});

describe("process.cancel with a deadline", () => {
  const deaf = main("channel.new():receive()");
  const obedient = main(
    `local e = process.events():receive() return e.reason .. " " .. math.type(e.deadline)`,
  );

  test("who ends in time ends by itself, who does not is terminated", async () => {
    expect(
      await runProcess(
        `local a = process.spawn_monitored("app:obedient", "app:processes")
        local b = process.spawn_monitored("app:deaf", "app:processes")
        assert(process.cancel(a, "enough", { deadline = "20ms" }))
        assert(process.cancel(b, "enough", { deadline = "20ms" }))
        local one, two = process.events():receive(), process.events():receive()
        return { one.from == a, one.result.value, two.from == b, two.result.error:message() }`,
        { processes: { deaf, obedient } },
      ),
    ).toEqual([true, "enough integer", true, "process terminated"]);
  });

  test("another deadline than a duration is Invalid", async () => {
    expect(
      await runProcess(
        `local _, e = process.cancel(process.pid(), "x", { deadline = "soon" }) return e:kind() .. ": " .. e:message()`,
      ),
    ).toBe("Invalid: deadline must be a duration, not soon");
  });
});
