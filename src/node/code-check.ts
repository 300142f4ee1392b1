import type { Config } from "../app/config.ts";
import { Environment } from "../app/environment.ts";
import type { Problem } from "../app/problem.ts";
import { withSyntaxCheck } from "../app/syntax-check.ts";
import { checksTypes, validateEntries } from "../app/validation.ts";
import type { Simulation } from "../platform/simulation.ts";
import type { Entry } from "../registry/entry.ts";
import type { ErrorData } from "../vm/error.ts";
import { type LuaValue, ofKernel } from "../vm/value.ts";
import type { CodeEntry } from "../worker/messages.ts";
import { codeEntry } from "./code.ts";
import type { WorkerPool } from "./worker-pool.ts";

/** Line of a Lua error of an entry: its message holds `ns:name:LINE:`. */
function lineIn(message: string, id: string): number | undefined {
  const at = message.indexOf(`${id}:`);
  const line = at < 0 ? NaN : parseInt(message.slice(at + id.length + 1), 10);
  return Number.isNaN(line) ? undefined : line;
}

/** What running the bodies of entries showed, in words for people. */
export function codeProblems(found: LuaValue): Problem[] {
  return ofKernel<{ id: string; failure: ErrorData }[]>(found).map(({ id, failure }) => {
    const line = lineIn(failure.message, id);
    return {
      severity: "error",
      entry: id,
      message: failure.message,
      fix: failure.kind === "NotFound"
        ? "return a table that holds this function, or correct the entry's method"
        : "correct the code outside of its functions, which runs when the entry is loaded",
      ...(line !== undefined && { line }),
    };
  });
}

/**
 * What of these problems of bodies the whole application suffers from: those of functions that have VMs before anybody
 * calls them, and of the entry that is `needed`. The others become warnings: who uses their entries gets the error.
 */
export function soften(
  problems: readonly Problem[],
  code: Iterable<CodeEntry>,
  needed?: string,
): Problem[] {
  const fatal = new Set([needed]);
  for (const { id, pool } of code) if (pool && pool["type"] !== "lazy") fatal.add(id);
  return problems.map((problem) =>
    fatal.has(problem.entry) ? problem : { ...problem, severity: "warning" }
  );
}

/**
 * What is wrong with entries that were changed at run time: the checks of the boot, then the bodies of the code
 * named, run on a worker beside what it has loaded. `strict`: a body that fails is an error whatever it is of.
 */
export async function checkChanged(
  pool: WorkerPool,
  entries: ReadonlyMap<string, Entry>,
  code: readonly string[],
  options: {
    directory: string;
    config: Config;
    simulation?: Simulation | undefined;
    strict: boolean;
  },
): Promise<Problem[]> {
  const environment = new Environment(entries.values(), { ...options, system: process.env });
  const defined = [...entries.values()].map((entry) => {
    const file = entry.origin?.file ?? entry.id;
    return {
      entry,
      place: { file, at: () => ({}), sourceLine: (line: number) => ({ file, line }) },
    };
  });
  const validated = withSyntaxCheck((check) =>
    validateEntries(defined, environment, check, { types: checksTypes(options.config) })
  );
  const problems = await (options.simulation?.during(validated) ?? validated);
  if (code.length === 0 || problems.some(({ severity }) => severity === "error")) return problems;
  const overlay = [...entries.values()].flatMap((entry): CodeEntry[] => {
    const loaded = codeEntry(entry, environment);
    return loaded ? [loaded] : [];
  });
  const [found] = await pool.question(pool.leastLoaded(), (question) => ({
    type: "check",
    question,
    ids: [...code],
    entries: overlay,
  }));
  const bodies = codeProblems(found);
  return [...problems, ...options.strict ? bodies : soften(bodies, overlay)];
}
