/** The executable's entry: arguments in, exit status out. */
import { main } from "./cli/cli.ts";

// The reader of a pipe may leave early, as head does: nobody is there to be told.
process.stdout.on("error", () => process.exit(0));

const status = await main(process.argv.slice(2), {
  out: (text) => void process.stdout.write(text),
  err: (text) => void process.stderr.write(text),
  input: () => Bun.stdin.text(),
  directory: process.cwd(),
  system: process.env,
  colour: process.stdout.isTTY === true && process.env["NO_COLOR"] === undefined,
});

// Exit does not wait for what is still on its way to a pipe.
await new Promise((resolve) => process.stdout.write("", resolve));
await new Promise((resolve) => process.stderr.write("", resolve));
process.exit(status);
