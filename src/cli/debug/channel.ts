/**
 * What a debug adapter and the runtime that it has started say to each other, over the channel between a program and
 * its child. Nobody else has that channel.
 * @module
 */
import { type Calls, runCall } from "../../node/debugger/calls.ts";
import type { Debugger } from "../../node/debugger/debugger.ts";
import type { DebugEvent } from "../../node/debugger/target.ts";
import { standardError, standardOutput } from "../../operations/io/output.ts";
import { WippyError } from "../../vm/error.ts";
import { CommandError } from "../terminal/terminal.ts";

/** From the adapter: a call, or that the application may start. */
export type ToRuntime =
  | { call: number; method: keyof Calls; args: readonly unknown[] }
  | { launch: true };

/** From the runtime: that it waits, an answer, an event. */
export type FromRuntime =
  | { waits: true }
  | { answer: number; value?: unknown; error?: { kind: string; message: string } }
  | { event: DebugEvent };

/**
 * Gives a debugger to the program that has started this one, and waits until it says that the application
 * may start. When that program ends, the application goes on without it.
 *
 * @throws CommandError where nobody has started this program so
 */
export async function waitForDebugger(debug: Debugger): Promise<void> {
  const send = process.send?.bind(process);
  if (!send) throw new CommandError("--debugger is for wippy debug", 'run "wippy debug"');
  const tell = (message: FromRuntime) => send(message);
  const launched = Promise.withResolvers<void>();
  process.on("message", (message: ToRuntime) => {
    if ("launch" in message) launched.resolve();
    else void answer(debug, message, tell);
  });
  process.on("disconnect", () => {
    // Who read what the application writes is gone too.
    standardOutput.onBroken = () => {};
    standardError.onBroken = () => {};
    launched.resolve();
    void debug.detach();
  });
  await debug.attach((event) => tell({ event }));
  tell({ waits: true });
  await launched.promise;
}

async function answer(
  debug: Debugger,
  { call, method, args }: Extract<ToRuntime, { call: number }>,
  tell: (message: FromRuntime) => void,
): Promise<void> {
  try {
    tell({ answer: call, value: await runCall(debug, method, args) });
  } catch (error) {
    const { kind, message } = WippyError.from(error);
    tell({ answer: call, error: { kind, message } });
  }
}
