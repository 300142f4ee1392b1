import { afterEach, expect, setSystemTime, test } from "bun:test";
import { startDurable } from "./durable-application.ts";

afterEach(() => {
  setSystemTime();
});

test("a PID does not come again when a runtime with workflows is started again", async () => {
  const units = {
    processes: { self: "return process.pid()" },
    functions: { pid: 'return process.exec("app:self", "app:processes")' },
  };
  const application = await startDurable(units);
  const first = await application.call("pid");
  setSystemTime(Date.now() + 1000);
  await application.start(units);
  const second = await application.call("pid");
  expect(first).toMatch(/^\{app:processes\|0x[0-9a-f]{5,}\}$/);
  expect(second).toMatch(/^\{app:processes\|0x[0-9a-f]{5,}\}$/);
  expect(second).not.toBe(first);
});
