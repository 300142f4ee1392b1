import { z } from "../../registry/schema.ts";
import { WippyError } from "../../vm/error.ts";
import {
  defineOperation,
  isOneString,
  luaString,
  type Operation,
  type OperationContext,
} from "../operation.ts";
import { standard } from "./standard/standard.ts";
import type { Terminal } from "./terminal.ts";

function terminalOf({ terminal }: OperationContext): Terminal {
  if (terminal !== undefined) return terminal;
  throw new WippyError("Unavailable", "no terminal context", { retryable: false });
}

/** Input, or the error that signals its end to Lua. */
function unlessEnded(data: Uint8Array | undefined): Uint8Array {
  if (data !== undefined) return data;
  throw new WippyError("Internal", "read standard input: EOF", { retryable: false });
}

/** Host operations of the module `io`, and of Lua's own libraries in scripts. */
export const io: Operation[] = [
  ...standard,
  defineOperation({
    name: "io.write",
    summary: "Writes to the standard output.",
    mode: "immediate",
    arguments: () => [luaString()],
    quick: isOneString,
    run(context, data) {
      terminalOf(context).write(data);
      return true;
    },
  }),
  defineOperation({
    name: "io.write_error",
    summary: "Writes to the standard error.",
    mode: "immediate",
    arguments: () => [luaString()],
    quick: isOneString,
    run(context, data) {
      terminalOf(context).writeError(data);
      return true;
    },
  }),
  defineOperation({
    name: "io.read",
    summary: "One read of the standard input.",
    mode: "async",
    arguments: () => [z.int().positive()],
    run: async (context, limit) =>
      unlessEnded(await terminalOf(context).read(limit, context.signal)),
  }),
  defineOperation({
    name: "io.readline",
    summary: "The next line of the standard input.",
    mode: "async",
    arguments: [],
    run: async (context) => unlessEnded(await terminalOf(context).readLine(context.signal)),
  }),
  defineOperation({
    name: "io.raw",
    summary: "Switches the terminal's raw mode.",
    mode: "async",
    arguments: () => [z.boolean()],
    run: async (context, enable) => await terminalOf(context).raw(enable),
  }),
  defineOperation({
    name: "io.flush",
    summary: "Waits until everything written has left.",
    mode: "async",
    arguments: [],
    async run(context) {
      await terminalOf(context).flush();
      return true;
    },
  }),
  defineOperation({
    name: "io.args",
    summary: "The command's arguments.",
    mode: "immediate",
    arguments: [],
    run: ({ terminal }) => [...(terminal?.args ?? [])],
  }),
];
