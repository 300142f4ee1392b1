import { pack } from "../../../src/vm/codec.ts";
import { Runtime } from "../../conformance/runtime.ts";
import { SqlitePlace } from "../../conformance/sqlite-place.ts";

// A runtime that the test kills: some schedules match every second each, at different parts of it, so
// that there is always one that is just acted on.

const [folder, count] = process.argv.slice(2) as [string, string];

const runtime = new Runtime({
  place: new SqlitePlace({}, { path: `${folder}/journal.db`, runsAhead: true }),
  scripts: {
    "app:quick": () => "done",
    "app:slow": function* (run) {
      yield run.sleep(300);
      return "done";
    },
  },
});
await runtime.provider.open();
const total = Number(count);
for (let n = 0; n < total; n++) {
  const waits = n % 2 === 1;
  await runtime.provider.schedules.create({
    scheduleId: `s${n}`,
    spec: { intervals: [{ every: 1_000, offset: Math.floor(1_000 * n / total) }] },
    action: {
      entry: waits ? "app:slow" : "app:quick",
      hostId: "app:workflows",
      workflowId: `s${n}`,
      args: pack([]),
    },
    policies: { overlap: waits ? "buffer_all" : "allow_all" },
    requestId: "the first",
  });
}
console.log("open");
