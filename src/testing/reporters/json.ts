import type { Reporter, Write } from "./reporters.ts";

/** One JSON object per line: one for each test, and one with totals at the end. */
export function json(write: Write): Reporter {
  const line = (value: unknown) => write(`${JSON.stringify(value)}\n`);
  return {
    test({ file, path, status, duration, seed, outcome }) {
      const { failure, crashes = 0, logs = [] } = outcome ?? {};
      const shown = { file, path, status, duration_ms: Math.round(duration), seed, crashes };
      line(failure ? { type: "test", ...shown, failure, logs } : { type: "test", ...shown });
    },
    end({ duration, ...totals }) {
      line({ type: "end", ...totals, duration_ms: Math.round(duration) });
    },
  };
}
