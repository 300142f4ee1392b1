const unitBytes: Readonly<Record<string, number>> = {
  "": 1,
  K: 2 ** 10,
  M: 2 ** 20,
  G: 2 ** 30,
  T: 2 ** 40,
};

const fallback = 2 ** 30;

/** Bytes of a size such as `512M`, `1GiB` or `1048576`; undefined when it is none. */
function parseSize(text: string | undefined): number | undefined {
  const [, count, unit] = /^(\d+)([KMGT]?)(?:i?B)?$/i.exec(text ?? "") ?? [];
  const factor = unitBytes[unit?.toUpperCase() ?? ""];
  if (count === undefined || factor === undefined) return undefined;
  const bytes = Number(count) * factor;
  return bytes > 0 && Number.isSafeInteger(bytes) ? bytes : undefined;
}

/**
 * Bytes of Lua memory that one worker may have: the flag, else `GOMEMLIMIT`, else 1 GiB. What is not a
 * size is passed over.
 */
export function memoryLimit(
  flag: string | undefined,
  system: Readonly<Record<string, string | undefined>>,
): number {
  return parseSize(flag) ?? parseSize(system["GOMEMLIMIT"]) ?? fallback;
}
