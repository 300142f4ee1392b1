import { main } from "../../../../src/cli/cli.ts";

/** What a command of the command line left behind. */
export interface Outcome {
  status: number;
  out: string;
  err: string;
}

/** Runs the command line in a directory, without a process of its own. */
export async function runCommand(directory: string, ...args: string[]): Promise<Outcome> {
  let out = "";
  let err = "";
  const status = await main(args, {
    out: (text) => void (out += Buffer.from(text).toString()),
    err: (text) => void (err += Buffer.from(text).toString()),
    directory,
    system: {},
    input: () => Promise.resolve(""),
    terminal: false,
    colour: false,
  });
  return { status, out, err };
}
