import { join } from "node:path";
import { Simulation } from "../../../src/platform/simulation.ts";
import { checkJournal } from "../../../src/workflows/providers/sqlite/offline/check.ts";
import {
  type DurableApplication,
  startDurable,
  type StartOptions,
  type Units,
} from "./durable-application.ts";

export const pid = "{app:durable|main}";

/** An executor of local activities with more options. */
export const local = (options = "") =>
  `funcs.new():with_options{ ["activity.local"] = true, ${options} }`;

/** What a call gave, as a table. */
export const told = `local function told(value, err)
  if not err then return { value = value } end
  local details = err:details() or {}
  return { kind = err:kind(), message = err:message(), state = details._retry_state, timeout = details.timeout_type,
    wrapper = details._wrapper, id = details._activity_id }
end `;

export const pause = 'print("waiting") process.listen("go"):receive() ';

export const units = (main: string, more: Units = {}): Units => ({
  ...more,
  workflows: { main, ...more.workflows },
  functions: {
    begin:
      'return process.with_options{ ["workflow.id"] = "main" }:spawn("app:main", "app:durable", ...)',
    result: `process.monitor("${pid}")
      local result = process.events():receive().result
      if result.error then return nil, result.error end
      return result.value`,
    start:
      'return process.with_options{ ["workflow.id"] = "main" }:exec("app:main", "app:durable")',
    send: `return process.send("${pid}", ...)`,
    query: `return workflow.query("${pid}", ...)`,
    update: `return workflow.update("${pid}", ...)`,
    step: "note(...) return ...",
    ...more.functions,
  },
});

/** Runs `app:main`; answers its result and the application. */
export async function run(
  main: string,
  more: Units = {},
  options: StartOptions = {},
): Promise<{ value: unknown; application: DurableApplication }> {
  const application = await startDurable(units(main, more), options);
  return { value: await application.call("start"), application };
}

export async function events(application: DurableApplication): Promise<Record<string, unknown>[]> {
  const info = await application.workflows.describe(pid);
  const history = await application.workflows.history("app:durable", info?.runId ?? "");
  return history.map(({ type, data }) => ({ type, ...data }));
}

export async function types(application: DurableApplication): Promise<string[]> {
  return (await events(application)).map(({ type }) => String(type));
}

export function faults(application: DurableApplication): unknown {
  return checkJournal(join(application.directory, ".wippy/journal.db")).faults;
}

export const virtual = (seed = 1): StartOptions => ({ simulation: new Simulation({ seed }) });
