/**
 * Whether a standard stream of this program leads to a terminal. To ask Bun takes three milliseconds, as it makes a
 * stream first: it is not asked of files, pipes and the null device, where most servers write.
 */
export function isTerminal(name: "stdout" | "stderr"): boolean {
  return mayBeTerminal(name === "stdout" ? 1 : 2) && process[name].isTTY === true;
}

function mayBeTerminal(descriptor: number): boolean {
  // What the consoles of Windows are is not told by their kind.
  if (process.platform === "win32") return true;
  const { fstatSync, statSync } = require("node:fs") as typeof import("node:fs");
  try {
    const found = fstatSync(descriptor);
    return found.isCharacterDevice() && found.rdev !== statSync("/dev/null").rdev;
  } catch {
    return true;
  }
}
