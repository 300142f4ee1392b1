/** The executable's entry: arguments in, exit status out. */
import { front } from "./cli/front.ts";
import { standardError, standardOutput } from "./operations/io/output.ts";

// The reader of a pipe may leave early, as head does: nobody is there to be told.
standardOutput.onBroken = () => process.exit(0);
process.on("exit", () => standardOutput.drain());

const status = await front(process.argv.slice(2), {
  out: (text) => standardOutput.write(text),
  err: (text) => standardError.write(text),
  input: () => Bun.stdin.text(),
  directory: process.cwd(),
  system: process.env,
  get colour() {
    return process.stdout.isTTY === true && process.env["NO_COLOR"] === undefined;
  },
});
process.exit(status);
