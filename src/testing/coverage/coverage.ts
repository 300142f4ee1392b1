/**
 * Which lines of an application's code its tests have run.
 * @module
 */
import type { Application } from "../../app/app.ts";
import type { Entry } from "../../registry/entry.ts";
import { kinds } from "../../registry/kinds.ts";
import type { LineCounts } from "../../worker/kernel.ts";
import { instrument } from "./instrument.ts";

/** How often each line of a file was reached, in their order; lines on which no statement begins are left out. */
export interface FileCoverage {
  /** Relative to the application's directory. */
  file: string;
  lines: [line: number, count: number][];
}

/** The file that has the code of an entry and nothing else; undefined where the code is not to be counted. */
function fileOf({ kind, meta, origin }: Entry): string | undefined {
  const file = origin?.source?.file;
  // Code that stands in a definition, of an installed module, and of tests.
  if (file === undefined || file === origin?.file || !kinds.get(kind)?.code) return undefined;
  if (meta["module"] !== undefined || origin?.bytes || file.endsWith("_test.lua")) return undefined;
  const command = meta["command"] as { use_case?: unknown } | undefined;
  return command?.use_case === "test" ? undefined : file;
}

/** Counts over all tests. */
export class Coverage {
  readonly #files = new Map<string, Map<number, number>>();
  readonly #fileOf = new Map<string, string>();
  /** The application with code that counts. */
  readonly application: Application;

  constructor(application: Application) {
    const entries = application.entries.map((entry) => this.#counting(entry));
    this.application = { ...application, entries };
  }

  #counting(entry: Entry): Entry {
    const file = fileOf(entry);
    const made = file === undefined ? undefined : instrument(String(entry.data["source"]));
    if (file === undefined || made === undefined) return entry;
    this.#fileOf.set(entry.id, file);
    if (!this.#files.has(file)) this.#files.set(file, new Map(made.lines.map((line) => [line, 0])));
    return { ...entry, data: { ...entry.data, source: made.code } };
  }

  /** Adds what one runtime has counted. */
  readonly add = (counts: LineCounts): void => {
    for (const [id, own] of Object.entries(counts)) {
      const lines = this.#files.get(this.#fileOf.get(id) ?? "");
      for (const [line, count] of lines ?? []) lines!.set(line, count + (own[line - 1] ?? 0));
    }
  };

  /** All files with code that counts, by their paths. */
  get files(): FileCoverage[] {
    return [...this.#files].map(([file, lines]) => ({ file, lines: [...lines] }))
      .sort((one, other) => one.file < other.file ? -1 : 1);
  }
}

/** Lines that were reached. */
export function covered({ lines }: FileCoverage): number {
  return lines.filter(([, count]) => count > 0).length;
}

/** Lines that were not reached, as ranges: `3-5, 9`. Between two lines of a range no other one has a statement. */
export function uncovered({ lines }: FileCoverage): string {
  const ranges: [first: number, last: number][] = [];
  let open = false;
  for (const [line, count] of lines) {
    if (count === 0 && open) ranges.at(-1)![1] = line;
    else if (count === 0) ranges.push([line, line]);
    open = count === 0;
  }
  return ranges.map(([first, last]) => first === last ? String(first) : `${first}-${last}`)
    .join(", ");
}
