import { appendFileSync } from "node:fs";
import { Runtime } from "../../conformance/runtime.ts";
import { SqlitePlace } from "../../conformance/sqlite-place.ts";
import type { Script } from "../../conformance/scripted-engine.ts";

// A runtime that the test kills: it takes up what the journal holds, starts what is missing, and
// ends when every run is complete. What happens is appended to a log, one line each: a line that is
// written survives the kill.

const [folder, runs, steps] = process.argv.slice(2) as [string, string, string];

function write(line: string): void {
  appendFileSync(`${folder}/effects.log`, `${line}\n`);
}

function log(...fields: unknown[]): void {
  write(fields.join(" "));
}

/** A value that no other attempt makes. */
let count = 0;
function fresh(): string {
  return `${process.pid}-${++count}`;
}

const order: Script = function* (run, n) {
  const id = run.start.workflowId;
  // As the logs of code do, it leaves when what the code saw is in the journal.
  const log = (...fields: unknown[]) => runtime.log(run.start.pid, fields.join(" "));
  const made = run.record(fresh);
  for (let i = 0; i < (n as number); i++) {
    const value = yield run.activity("app:step", [id, i]);
    log("seen", id, i, value);
    // Only now: a side effect of a task that was not committed is made again.
    log("seen", id, "record", made);
    if (i % 5 === 4) yield run.sleep(5);
  }
  const child = run.child("app:child", [id]);
  yield child.started;
  log("seen", id, "child", yield child.closed);
  const signal = yield run.signal();
  log("seen", id, "signal", JSON.stringify(signal));
  run.send("{app:processes|0x1}", "done", id);
  return made;
};

const child: Script = function* (run, id) {
  const value = yield run.activity("app:step", [`${id}/child`, 0]);
  yield run.signalExternal(run.start.parent!.pid, "from the child", value);
  return value;
};

const runtime = new Runtime({
  place: new SqlitePlace({}, { path: `${folder}/journal.db`, runsAhead: true }),
  scripts: { "app:order": order, "app:child": child },
  activities: {
    "app:step": async (task, id, i) => {
      const value = fresh();
      log("ran", id, i, task.attempt, value);
      // Sleeps because some kills are to come between an effect and its record.
      await Bun.sleep(1);
      return value;
    },
  },
});
runtime.onLog = write;
runtime.provider.onMessage(({ from }) => log("message", from));
await runtime.provider.open();
runtime.connect();
console.log("open");
const options = { idReusePolicy: "reject_duplicate" } as const;
await Promise.all(Array.from({ length: Number(runs) }, async (_, i) => {
  const workflowId = `order-${i}`;
  await runtime.start("app:order", [Number(steps)], { workflowId, options });
  log("closed", workflowId, (await runtime.closed(workflowId)).status);
}));
await runtime.provider.close();
process.exit(0);
