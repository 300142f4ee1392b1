import { readFileSync } from "node:fs";

/**
 * The state of a process or thread on Linux (proc_pid_stat): `R` runs or would run, `S` and `D` wait, `Z` has ended and
 * nobody has asked for its status.
 *
 * @param folder its folder in /proc
 * @throws Error when there is none, as on other systems
 * @example
 * stateOf("/proc/self"); // "R"
 */
export function stateOf(folder: string): string | undefined {
  const stat = readFileSync(`${folder}/stat`, "latin1");
  // The name is in parentheses and may have any character in it.
  return stat[stat.lastIndexOf(")") + 2];
}
