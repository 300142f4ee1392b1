/** The executable's entry: arguments in, exit status out. */
import { front } from "./cli/front.ts";
import { isTerminal } from "./cli/terminal/is-terminal.ts";
import { drainFiles } from "./operations/io/standard/file.ts";
import { clean } from "./observe/clean.ts";
import { standardError, standardOutput } from "./operations/io/output.ts";

/** How long the end waits for the reader of standard error, in milliseconds. */
const unreadLimit = 10_000;

standardOutput.onBroken = (error) => {
  // The reader of a pipe may leave early, as head does: nobody is there to be told.
  if ((error as { code?: unknown }).code === "EPIPE") process.exit(0);
  standardError.write(`Error: cannot write to standard output: ${error.message}\n`);
  process.exit(1);
};
process.on("exit", () => {
  drainFiles();
  standardOutput.drain();
  standardError.drain();
});

const status = await front(process.argv.slice(2), {
  // Texts of our own may quote others; bytes are what a program writes.
  out: (text) => standardOutput.write(typeof text === "string" ? clean(text) : text),
  err: (text) => standardError.write(typeof text === "string" ? clean(text) : text),
  input: () => Bun.stdin.text(),
  directory: process.cwd(),
  system: process.env,
  get terminal() {
    return isTerminal("stderr");
  },
  get colour() {
    return isTerminal("stdout") && process.env["NO_COLOR"] === undefined;
  },
});
// Exit does not wait for what is still on its way to a pipe. Whoever reads the output gets all of it, however slowly; a
// log that nobody reads must not keep a runtime from stopping.
await standardOutput.flush();
await Promise.race([standardError.flush(), Bun.sleep(unreadLimit)]);
process.exit(status);
