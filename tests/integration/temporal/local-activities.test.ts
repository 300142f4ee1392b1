/** Local activities on a real Temporal server: outcomes are markers, attempts are this runtime's. */
import { describe, expect } from "bun:test";
import { Runtime, type RuntimeOptions } from "../../conformance/runtime.ts";
import { ScriptError } from "../../conformance/scripted-engine.ts";
import { withTemporal } from "../../temporal-server.ts";
import { until } from "../../until.ts";
import { onServer } from "./on-server.ts";

const { open, placeOn } = onServer();

describe("local activities on Temporal", () => {
  withTemporal(
    "are one task, tried again by their policy, and not done again by a replay",
    async () => {
      const done: string[] = [];
      const options: RuntimeOptions = {
        scripts: {
          "app:local": function* (run) {
            const seen = [];
            for (let i = 0; i < 5; i++) seen.push(yield run.localActivity("app:step", [i]));
            const retryPolicy = { initialInterval: 10, maximumAttempts: 3 };
            seen.push(yield run.localActivity("app:third", [], { retryPolicy }));
            try {
              yield run.localActivity("app:never", [], { retryPolicy: { maximumAttempts: 2 } });
            } catch (error) {
              seen.push((error as ScriptError).failure.kind);
            }
            yield run.signal();
            seen.push(yield run.localActivity("app:step", ["last"]));
            return seen;
          },
        },
        localActivities: {
          "app:step": (_attempt, name) => {
            done.push(`step ${name}`);
            return name;
          },
          "app:third": ({ attempt }) => {
            done.push(`third ${attempt}`);
            if (attempt < 3) throw new ScriptError({ kind: "Unavailable", message: "not yet" });
            return "at last";
          },
          "app:never": ({ attempt }) => {
            done.push(`never ${attempt}`);
            throw new ScriptError({ kind: "Conflict", message: "no" });
          },
        },
      };
      const place = placeOn("local");
      const first = await Runtime.open({ place, ...options });
      const { runId } = await first.start("app:local", [], { workflowId: "local" });
      await until(() => done.includes("never 2"));
      const before = ["step 0", "step 1", "step 2", "step 3", "step 4"];
      before.push("third 1", "third 2", "third 3", "never 1", "never 2");
      expect(done).toEqual(before);
      const recorded = async () =>
        (await first.eventTypes(runId)).filter((type) => type === "LocalActivityRecorded").length;
      await until(async () => await recorded() >= 7);
      place.killed();
      const again = await open(options, place);
      await again.signal("local", "go");
      expect(await again.result("local")).toEqual([0, 1, 2, 3, 4, "at last", "Conflict", "last"]);
      expect(done).toEqual([...before, "step last"]);
      expect(again.reports).toEqual([]);
    },
    30_000,
  );

  withTemporal(
    "that take long let signals in, and are done again when their runtime was killed",
    async () => {
      const started: number[] = [];
      let finish: (value: string) => void = () => {};
      const options: RuntimeOptions = {
        scripts: {
          "app:long": function* (run) {
            const long = run.localActivity("app:wait");
            const { name } = (yield run.signal()) as { name: string };
            return [name, yield long];
          },
        },
        localActivities: {
          "app:wait": ({ attempt }) => {
            started.push(attempt);
            return new Promise<string>((resolve) => finish = resolve);
          },
        },
      };
      const place = placeOn("long");
      const first = await Runtime.open({ place, ...options });
      const { runId } = await first.start("app:long", [], { workflowId: "long" });
      await first.signal("long", "meanwhile");
      await until(async () => (await first.eventTypes(runId)).includes("LocalActivityScheduled"));
      await until(() =>
        first.engine.activations.some(({ jobs }) =>
          jobs.some(({ type }) => type === "signal_workflow")
        )
      );
      expect(started).toEqual([1]);
      place.killed();
      const again = await open(options, place);
      // The task that comes next to the run finds the activity under way nowhere.
      await again.signal("long", "other");
      await until(() => started.length === 2);
      finish("done");
      expect(await again.result("long")).toEqual(["meanwhile", "done"]);
    },
    60_000,
  );
});
