import type { ActivityOptions } from "../../../src/workflows/options/options.ts";
import type { RuntimeOptions } from "../../conformance/runtime.ts";

/** Steps of one run. */
export const steps = 4;

/** A lost attempt is repeated soon. */
const options: ActivityOptions = {
  startToCloseTimeout: 1_500,
  retryPolicy: { initialInterval: 50, backoffCoefficient: 1 },
};

/** The messages that a run sends, in their order. @param drawn what each step has drawn */
export function messagesOf(id: unknown, drawn: readonly unknown[]): string[] {
  return [...drawn.map((value, step) => `sent ${id}.${step}.${value}`), `sent ${id}.end`];
}

/** A run of effects, side effects, messages, timers and a signal, which gives what it has seen. */
export const scripts: NonNullable<RuntimeOptions["scripts"]> = {
  "app:killed": function* (run, id) {
    const seen = [];
    for (let step = 0; step < steps; step++) {
      const drawn = run.record(() => Math.floor(Math.random() * 1e9));
      seen.push([drawn, yield run.activity("app:effect", [`${id}.${step}.${drawn}`], options)]);
      run.send("{app:processes|0x1}", "step", `sent ${id}.${step}.${drawn}`);
      yield run.sleep(20);
    }
    const { payloads } = (yield run.signal()) as { payloads: number[] };
    run.send("{app:processes|0x1}", "end", `sent ${id}.end`);
    return [seen, payloads[0]!];
  },
};
