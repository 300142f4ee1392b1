import { expect, test } from "bun:test";
import { Interruption } from "../../../src/platform/interruption.ts";
import { until } from "../../until.ts";

test("work has its own outcome until it is interrupted, then the first reason", async () => {
  const lost = new Interruption();
  expect(await lost.race(Promise.resolve(1))).toBe(1);
  await expect(lost.race(Promise.reject(new Error("failed")))).rejects.toThrow("failed");
  const open = lost.race(new Promise(() => {}));
  lost.interrupt(new Error("lost"));
  lost.interrupt(new Error("later"));
  await expect(open).rejects.toThrow("lost");
  await expect(lost.race(Promise.resolve(2))).rejects.toThrow("lost");
  await expect(lost.race(Promise.reject(new Error("failed")))).rejects.toThrow("lost");
});

test("nothing is kept of work that has ended", async () => {
  const lost = new Interruption();
  const parts: WeakRef<object>[] = [];
  const pass = async () => {
    const part = { bytes: new Uint8Array(1000) };
    parts.push(new WeakRef(part));
    await lost.race(Promise.resolve(part));
  };
  for (let i = 0; i < 50; i++) await pass();
  // The stack may still hold the last one.
  await until(() => {
    Bun.gc(true);
    return parts.filter((part) => part.deref() !== undefined).length < 5;
  });
  lost.interrupt(new Error("lost"));
});
