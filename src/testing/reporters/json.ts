import type { Reporter, Write } from "./reporters.ts";

/** One JSON object per line: one for each test, one for the coverage of each file, and one with totals at the end. */
export function json(write: Write): Reporter {
  const line = (value: unknown) => write(`${JSON.stringify(value)}\n`);
  return {
    test({ file, path, status, duration, seed, outcome }) {
      const { failure, crashes = 0, logs = [] } = outcome ?? {};
      const shown = { file, path, status, duration_ms: Math.round(duration), seed, crashes };
      line(failure ? { type: "test", ...shown, failure, logs } : { type: "test", ...shown });
    },
    end({ duration, coverage, ...totals }) {
      for (const { file, lines } of coverage ?? []) line({ type: "coverage", file, lines });
      line({ type: "end", ...totals, duration_ms: Math.round(duration) });
    },
  };
}
