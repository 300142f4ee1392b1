import { readFileSync } from "node:fs";
import { bytesOf } from "../../operation.ts";

/** The replacement character, which stands for bytes that are no UTF-8 in the texts that the engine makes of them. */
const replaced = "\uFFFD";

/** The parts of a file of `/proc` that ends each with a NUL. */
function parts(path: string): Buffer[] {
  const bytes = readFileSync(path);
  const found: Buffer[] = [];
  for (let start = 0; start < bytes.length;) {
    const end = bytes.indexOf(0, start);
    const stop = end < 0 ? bytes.length : end;
    found.push(bytes.subarray(start, stop));
    start = stop + 1;
  }
  return found;
}

/**
 * A variable of the environment, byte by byte; undefined when there is none. The engine's text of it is not that where
 * its bytes are no UTF-8; where the system has no `/proc`, its text is all there is.
 */
export function environmentBytes(name: string | Uint8Array): string | Uint8Array | undefined {
  const key = Buffer.from(bytesOf(name));
  const value = process.env[key.toString()];
  if (value !== undefined && !value.includes(replaced)) return value;
  if (value === undefined && !key.toString().includes(replaced)) return undefined;
  const prefix = Buffer.concat([key, Buffer.from("=")]);
  try {
    const found = parts("/proc/self/environ").find((part) =>
      part.subarray(0, prefix.length).equals(prefix)
    );
    return found?.subarray(prefix.length) ?? value;
  } catch {
    return value;
  }
}

/**
 * Arguments of this program, byte by byte, as {@link environmentBytes}.
 *
 * @param args the last arguments of the program, as texts
 */
export function argumentBytes(args: readonly string[]): (string | Uint8Array)[] {
  if (!args.some((argument) => argument.includes(replaced))) return [...args];
  try {
    const raw = parts("/proc/self/cmdline").slice(-args.length);
    return args.map((argument, index) => {
      const bytes = raw[index];
      return argument.includes(replaced) && bytes?.toString() === argument ? bytes : argument;
    });
  } catch {
    return [...args];
  }
}
