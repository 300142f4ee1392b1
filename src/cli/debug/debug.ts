import { CommandError, type Console } from "../terminal/terminal.ts";
import type { DebugOptions } from "./launch.ts";

/** The streams of a program. */
export interface Streams {
  stdin: NodeJS.ReadableStream;
  stdout: NodeJS.WritableStream;
}

/** `wippy debug`: a debug adapter on the standard streams, for one session; its end is the end of the command. */
export async function debug(
  console: Console,
  { stdin, stdout }: Streams,
  options: DebugOptions = {},
): Promise<number> {
  if ([options.run, options.test, options.attach].filter((each) => each !== undefined).length > 1) {
    throw new CommandError("--run, --test and --attach exclude each other", "write one of them");
  }
  if (options.filter !== undefined && options.test === undefined) {
    throw new CommandError("--filter chooses tests", "name their file with --test");
  }
  const { Adapter } = await import("./adapter.ts");
  const adapter = new Adapter(console, options);
  adapter.start(stdin, stdout);
  await adapter.ended;
  return 0;
}
