import type { ActivityOptions } from "../../../src/workflows/options/options.ts";
import type { RuntimeOptions } from "../../conformance/runtime.ts";

/** Steps of one run. */
export const steps = 4;

/** A lost attempt is repeated soon. */
const options: ActivityOptions = {
  startToCloseTimeout: 1_500,
  retryPolicy: { initialInterval: 50, backoffCoefficient: 1 },
};

/** A run of effects, side effects, timers and a signal, which gives what it has seen. */
export const scripts: NonNullable<RuntimeOptions["scripts"]> = {
  "app:killed": function* (run, id) {
    const seen = [];
    for (let step = 0; step < steps; step++) {
      const drawn = run.record(() => Math.floor(Math.random() * 1e9));
      seen.push([drawn, yield run.activity("app:effect", [`${id}.${step}.${drawn}`], options)]);
      yield run.sleep(20);
    }
    const { payloads } = (yield run.signal()) as { payloads: number[] };
    return [seen, payloads[0]!];
  },
};
