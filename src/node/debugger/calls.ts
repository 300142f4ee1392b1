/**
 * What a debug adapter asks of a runtime's debugger from outside its process.
 * @module
 */
import type { Debugger } from "./debugger.ts";

/** What of the debugger an adapter may call. */
export type Calls = Omit<
  Debugger,
  "attach" | "detach" | "started" | "told" | "follow" | "onStanding"
>;

/** Calls a method of the debugger. @throws WippyError what the method throws */
export async function runCall(
  debug: Debugger,
  method: keyof Calls,
  args: readonly unknown[],
): Promise<unknown> {
  const run = debug[method] as (...args: readonly unknown[]) => Promise<unknown>;
  return await run.apply(debug, [...args]);
}

/** A debugger whose methods are sent somewhere else. */
export function callsBy(
  call: (method: keyof Calls, args: readonly unknown[]) => Promise<unknown>,
): Calls {
  return {
    breakpoints: (...args) => call("breakpoints", args),
    exceptions: (...args) => call("exceptions", args),
    threads: () => call("threads", []),
    continue: (...args) => call("continue", args),
    pause: (...args) => call("pause", args),
    standInRun: (...args) => call("standInRun", args),
    stack: (...args) => call("stack", args),
    scopes: (...args) => call("scopes", args),
    variables: (...args) => call("variables", args),
    evaluate: (...args) => call("evaluate", args),
    set: (...args) => call("set", args),
  } as Calls;
}
