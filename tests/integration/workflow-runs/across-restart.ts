/**
 * A workflow that waits while its runtime is started again, with the same code or another.
 * @module
 */
import { type DurableApplication, startDurable, type Units } from "./durable-application.ts";

/** Starts `app:main` under the id `main`, or joins it, and gives a function that waits for its result. */
export const functions = {
  begin:
    'return process.with_options{ ["workflow.id"] = "main" }:spawn("app:main", "app:durable", ...)',
  signal: 'return process.send("{app:durable|main}", ...)',
  result: `process.monitor("{app:durable|main}")
    local result = process.events():receive().result
    if result.error then return nil, result.error end
    return result.value`,
};

/** Runs a workflow until it waits for the signal `go`, starts the runtime again, and lets it end. */
export async function acrossRestart(
  main: string,
  units: Units = {},
  later = main,
  laterUnits = units,
): Promise<{ value: unknown; application: DurableApplication }> {
  const all = (body: string, given: Units) => ({
    ...given,
    workflows: { ...given.workflows, main: body },
    functions: { ...functions, ...given.functions },
  });
  const application = await startDurable(all(main, units));
  await application.call("begin");
  await application.reported("waiting");
  await application.start(all(later, laterUnits));
  await application.call("signal", "go");
  return { value: await application.call("result"), application };
}

/** Says that the run has come here, and waits for the signal. */
export const pause = 'print("waiting") process.listen("go"):receive() ';
