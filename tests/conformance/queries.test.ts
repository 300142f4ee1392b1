import { describe, expect } from "bun:test";
import { pack } from "../../src/vm/codec.ts";
import { machineOf, Runtime, settle } from "./runtime.ts";
import type { TaskCompletion } from "../../src/workflows/tasks/tasks.ts";
import { casesOf } from "./cases.ts";
import { places } from "./places.ts";

describe.each(places)("$name", (kind) => {
  const test = casesOf(kind);

  test("a query waits until what the code has done is committed", async () => {
    const place = kind.make();
    const r = await Runtime.open({
      place,
      machine: machineOf(place),
      scripts: {
        "app:listen": function* (run) {
          for (;;) yield run.signal();
        },
      },
    });
    await r.start("app:listen", [], { workflowId: "q" });
    await settle();
    // From now on the worker does its tasks, and the journal does not hear of it.
    const held: TaskCompletion[] = [];
    r.onTask = (task) =>
      void Promise.resolve(r.taskHandler.run(task)).then((done) => held.push(done));
    const tasks = r.engine.activations.length;
    await r.signal("q", "x");
    await settle();
    expect(r.engine.activations).toHaveLength(tasks + 1);
    let answered = false;
    const answer = r.provider.query("q", { name: "n", args: pack([]) }).then(() => answered = true);
    await settle();
    expect([held.length, answered]).toEqual([1, false]);
    for (const done of held) r.completeTask(done);
    await answer;
    expect(answered).toBe(true);
    await r.provider.close();
    expect(place.faults()).toEqual([]);
    place.remove();
  });
});
