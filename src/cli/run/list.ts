import { findCommands } from "../../app/command.ts";
import { lockFileName } from "../../app/lock-name.ts";
import { CommandError, type Console } from "../terminal/terminal.ts";
import { load, type SourceOptions } from "./load.ts";
import { report } from "../terminal/report.ts";

const hint = `Define one: give a process.lua entry

  meta:
    command: { name: greet, short: "Greet the user" }
`;

/** `wippy run list`: the named commands of the application, which is not started. */
export async function listCommands(console: Console, options: SourceOptions): Promise<number> {
  const application = await load(console, options);
  if (!application.locked) {
    throw new CommandError(
      `no ${lockFileName} in ${console.directory}`,
      'run "wippy init", or -C DIR',
    );
  }
  report(console, application.problems);
  const commands = findCommands(application.entries);
  if (commands.length === 0) {
    console.out(`No commands found.\n\n${hint}`);
    return 0;
  }
  const width = Math.max(...commands.map(({ name }) => name.length));
  const lines = commands.map(({ name, short, entry }) => {
    const description = short === "" ? "" : `${short}  `;
    return `  ${name.padEnd(width)}  ${description}(${entry})\n`;
  });
  console.out(`Available commands:\n\n${lines.join("")}\nRun with: wippy run <command>\n`);
  return 0;
}
