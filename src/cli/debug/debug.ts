import type { Console } from "../terminal/terminal.ts";

/** The streams of a program. */
export interface Streams {
  stdin: NodeJS.ReadableStream;
  stdout: NodeJS.WritableStream;
}

/** Flags of `wippy debug`. */
export interface DebugOptions {
  /** The run that a launch is about which names nothing to run. */
  run?: string;
}

/** `wippy debug`: a debug adapter on the standard streams, for one session; its end is the end of the command. */
export async function debug(
  console: Console,
  { stdin, stdout }: Streams,
  { run }: DebugOptions = {},
): Promise<number> {
  const { Adapter } = await import("./adapter.ts");
  const adapter = new Adapter(console, run);
  adapter.start(stdin, stdout);
  await adapter.ended;
  return 0;
}
