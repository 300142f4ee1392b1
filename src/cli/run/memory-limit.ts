import type { Console } from "../terminal/terminal.ts";

const unitBytes: Readonly<Record<string, number>> = {
  "": 1,
  K: 2 ** 10,
  M: 2 ** 20,
  G: 2 ** 30,
  T: 2 ** 40,
};

const fallback = 2 ** 30;

/** Bytes of a size such as `512M`, `1GiB` or `1048576`; undefined when it is not one. */
export function parseSize(text: string): number | undefined {
  const [, count, unit] = /^(\d+)([KMGT]?)(?:i?B)?$/i.exec(text) ?? [];
  const factor = unitBytes[unit?.toUpperCase() ?? ""];
  if (count === undefined || factor === undefined) return undefined;
  const bytes = Number(count) * factor;
  return bytes > 0 && Number.isSafeInteger(bytes) ? bytes : undefined;
}

/**
 * Bytes of Lua memory that one worker may have: the flag, else `GOMEMLIMIT`, else 1 GiB. What is not a
 * size is ignored, with a warning.
 */
export function memoryLimit(
  flag: string | undefined,
  { system, err }: Pick<Console, "system" | "err">,
): number {
  const sources = [["--memory-limit", flag], ["GOMEMLIMIT", system["GOMEMLIMIT"]]] as const;
  for (const [name, text] of sources) {
    if (text === undefined) continue;
    const bytes = parseSize(text);
    if (bytes !== undefined) return bytes;
    // "off" is how Go programs are told to have no limit.
    if (name === "GOMEMLIMIT" && (text === "" || text === "off")) continue;
    err(`warning: ${name} "${text}" is not a size and is ignored\n    hint: write 512M or 2G\n`);
  }
  return fallback;
}
