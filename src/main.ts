/** The executable's entry: arguments in, exit status out. */
import { front } from "./cli/front.ts";
import { standardError, standardOutput } from "./operations/io/output.ts";

standardOutput.onBroken = (error) => {
  // The reader of a pipe may leave early, as head does: nobody is there to be told.
  if ((error as { code?: unknown }).code === "EPIPE") process.exit(0);
  standardError.write(`Error: cannot write to standard output: ${error.message}\n`);
  process.exit(1);
};
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
// Exit does not wait for what is still on its way to a pipe.
await standardOutput.flush();
await standardError.flush();
process.exit(status);
