import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { isMap, parseDocument } from "yaml";
import { orderLock } from "../../app/lock-order.ts";
import { CommandError, type Console } from "../terminal/terminal.ts";

/** Flags of `wippy init`. */
export interface InitOptions {
  /** Folder of sources. @default that of an existing file, else `./src` */
  srcDir?: string;
  /** Folder of installed modules. @default that of an existing file, else `.wippy` */
  modulesDir?: string;
  lockFile: string;
}

/** `wippy init`: writes the lock file; an existing one keeps what it says, unless a flag says otherwise. */
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
  // What an existing file says stays, unless a flag says otherwise.
  const setDirectory = (key: "modules" | "src", flag: string | undefined, fallback: string) => {
    if (flag !== undefined || !document.hasIn(["directories", key])) {
      document.setIn(["directories", key], flag ?? fallback);
    }
  };
  setDirectory("modules", options.modulesDir, ".wippy");
  setDirectory("src", options.srcDir, "./src");
  orderLock(document);
  try {
    writeFileSync(path, document.toString({ flowCollectionPadding: true }), { mode: 0o600 });
  } catch (error) {
    throw new CommandError(
      `cannot write ${options.lockFile}: ${(error as Error).message}`,
      "run this where you may write",
    );
  }
  const sources = String(document.getIn(["directories", "src"]));
  console.err(`${present ? "updated" : "wrote"} ${options.lockFile}; sources: ${sources}\n`);
  return 0;
}
