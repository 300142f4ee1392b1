import { basename, isAbsolute, join } from "node:path";
import { homedir } from "node:os";

/** Where this user's programs keep what is to survive: `XDG_STATE_HOME`, else `~/.local/state`. */
function userState(system: Readonly<Record<string, string | undefined>>): string {
  const named = system["XDG_STATE_HOME"];
  // The XDG specification has relative paths ignored.
  if (named !== undefined && isAbsolute(named)) return named;
  return join(system["HOME"] || homedir(), ".local", "state");
}

/** The folder that the folders of scripts are in. */
export function scriptStates(system: Readonly<Record<string, string | undefined>>): string {
  return join(userState(system), "wippy", "scripts");
}

/**
 * The folder of one script below the user's state folder: the same at each start of the same file.
 *
 * @param key absolute path of the file; for a script without a file its text
 */
export function scriptStateFolder(
  key: string,
  system: Readonly<Record<string, string | undefined>>,
): string {
  const digest = Bun.hash(key).toString(36);
  const name = isAbsolute(key) ? basename(key).replace(/[^\w.-]/g, "_").slice(0, 60) : "script";
  return join(scriptStates(system), `${name}-${digest}`);
}

/** The file of the lines that were typed at the prompt. */
export function replHistoryFile(system: Readonly<Record<string, string | undefined>>): string {
  return join(userState(system), "wippy", "repl-history");
}
