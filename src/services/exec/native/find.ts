import { access, constants, stat } from "node:fs/promises";
import { join, resolve } from "node:path";

/** Whether it is a file that may be executed. */
async function executable(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK);
    return (await stat(path)).isFile();
  } catch {
    return false;
  }
}

/**
 * The path of a program: a name with a slash counts from the directory, another one is looked up in `PATH`.
 *
 * @param path the variable PATH of the program, whatever that of the runtime is
 * @returns undefined when there is none
 */
export async function findProgram(
  name: string,
  path: string | undefined,
  directory: string,
): Promise<string | undefined> {
  const candidates = name.includes("/")
    ? [resolve(directory, name)]
    : (path ?? "").split(":").filter((folder) => folder !== "").map((folder) =>
      resolve(directory, join(folder, name))
    );
  for (const candidate of candidates) if (await executable(candidate)) return candidate;
  return undefined;
}
