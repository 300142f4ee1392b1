import { z } from "./schema.ts";

const millisecondsPerUnit: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  "µs": 1e-3,
  "μs": 1e-3,
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
};

/**
 * Reads a duration such as `300ms`, `1.5s` or `2h45m`; units are ns us µs ms s m h, a leading sign is
 * allowed, and `0` needs no unit.
 *
 * @returns milliseconds, or `undefined` when the text is not a duration
 */
export function parseDuration(text: string): number | undefined {
  const sign = text.startsWith("-") ? -1 : 1;
  const digits = text.replace(/^[+-]/, "");
  if (digits === "0") return 0;
  if (!/^(?:(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+$/u.test(digits)) return undefined;
  let total = 0;
  for (const [, amount, unit] of digits.matchAll(/([\d.]+)([a-zµμ]+)/gu)) {
    total += Number(amount) * millisecondsPerUnit[unit!]!;
  }
  return Number.isFinite(total) ? sign * total : undefined;
}

/**
 * A duration in an entry: text in, milliseconds out. Zero, which needs neither unit nor quotes, and an absent field
 * give the default.
 *
 * @param fallback milliseconds used when the field is not given
 */
export function duration<Fallback extends number | undefined>(fallback: Fallback) {
  const text = z.string().transform((text, context): number | Fallback => {
    const milliseconds = parseDuration(text);
    if (milliseconds !== undefined && milliseconds >= 0) return milliseconds || fallback;
    context.addIssue({
      code: "custom",
      message: `bad duration "${text}"`,
      params: { fix: 'write it like "300ms", "1.5s" or "2h45m"' },
    });
    return z.NEVER;
  });
  return z.preprocess((given) => given === 0 ? "0" : given, text)
    .meta({ type: ["string", "number"] })
    .optional().transform((milliseconds) => milliseconds ?? fallback);
}

/** A duration as `parseDuration` reads it, in Go's form: `1h0m5.25s`, `300ms`, `0s`. */
export function formatDuration(milliseconds: number): string {
  if (milliseconds <= 0) return "0s";
  if (milliseconds < 1_000) return `${Number(milliseconds.toFixed(3))}ms`;
  const minutes = Math.floor(milliseconds / 60_000);
  const seconds = `${Number(((milliseconds - minutes * 60_000) / 1_000).toFixed(3))}s`;
  const hours = Math.floor(minutes / 60);
  if (hours > 0) return `${hours}h${minutes % 60}m${seconds}`;
  return minutes > 0 ? `${minutes}m${seconds}` : seconds;
}
