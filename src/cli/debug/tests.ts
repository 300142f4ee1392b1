import type { Debugger } from "../../node/debugger/debugger.ts";
import type { Node } from "../../node/node.ts";
import type { Simulation } from "../../platform/simulation.ts";
import { waitForDebugger } from "./channel.ts";

/**
 * Lets the program that has started this one debug tests. Each test has a runtime of its own; the breakpoints stay.
 * Virtual time stands still while a unit does.
 *
 * @param directory of the application, where the paths of sources begin
 * @returns what each runtime waits for before it runs anything
 */
export function debugTests(
  directory: string,
): (node: Node, simulation: Simulation) => Promise<void> {
  let debug: Debugger | undefined;
  return async (node, simulation) => {
    const known = debug;
    debug ??= await node.debugger(directory);
    debug.onStanding = (some) => simulation.stand(some);
    if (known) await node.debugBy(known);
    else await waitForDebugger(debug);
  };
}
