/** Messages for a function whose instances all work. */
import { expect, test } from "bun:test";
import { startApplication } from "../application.ts";
import { notesOf, withQueue } from "./queues.ts";

test.each(["memory", "sqlite"])(
  "%s: messages that wait for an instance of their function come again when the consumer is ended by force",
  async (kind) => {
    // A function has 16 instances.
    const application = await startApplication(withQueue({
      publish: `for i = 1, 20 do assert(queue.publish("app:work", i)) end`,
      handle: `
    local s = assert(store.get("app:notes"))
    note("begin " .. ...)
    while not s:get("go") do time.sleep("1ms") end
    note("end " .. ...)`,
      go: `assert(store.get("app:notes")):set("go", true)`,
    }, {
      driver: { kind: `queue.driver.${kind}` },
      consumer: {
        concurrency: 20,
        prefetch: 20,
        lifecycle: { auto_start: true, stop_timeout: "30ms" },
      },
    }));
    await application.call("publish");
    await notesOf(application, 16);
    const { control } = application.node;
    expect((await control.functions()).find(({ id }) => id === "app:handle")).toMatchObject({
      running: 16,
      queued: 4,
    });
    await control.stopService("app:consumer");
    expect(await control.inspectService("app:work")).toMatchObject({ messages: 20, in_flight: 0 });
    await application.call("go");
    await control.startService("app:consumer");
    const notes = await notesOf(application, 16 + 2 * 20);
    const all = Array.from({ length: 20 }, (_, i) => `end ${i + 1}`);
    expect(notes.filter((note) => note.startsWith("end")).sort()).toEqual(all.sort());
    // Those that waited had not begun.
    expect(notes.filter((note) => note.startsWith("begin"))).toHaveLength(16 + 20);
  },
);
