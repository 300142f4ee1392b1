import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { isMap, parseDocument } from "yaml";
import { CommandError, type Console } from "../terminal/terminal.ts";

/** Flags of `wippy init`. */
export interface InitOptions {
  srcDir: string;
  modulesDir: string;
  lockFile: string;
}

/** `wippy init`: writes the lock file; an existing one keeps all but its directories. */
export function initialise(console: Console, options: InitOptions): number {
  const path = resolve(console.directory, options.lockFile);
  const present = existsSync(path);
  const document = parseDocument(present ? readFileSync(path, "utf8") : "");
  if (document.errors.length > 0 || document.contents !== null && !isMap(document.contents)) {
    throw new CommandError(
      `${options.lockFile} is not a valid lock file`,
      "correct it, or remove it and run this again",
    );
  }
  document.setIn(["directories", "modules"], options.modulesDir);
  document.setIn(["directories", "src"], options.srcDir);
  try {
    writeFileSync(path, document.toString({ flowCollectionPadding: true }), { mode: 0o600 });
  } catch (error) {
    throw new CommandError(
      `cannot write ${options.lockFile}: ${(error as Error).message}`,
      "run this where you may write",
    );
  }
  console.err(`${present ? "updated" : "wrote"} ${options.lockFile}; sources: ${options.srcDir}\n`);
  return 0;
}
