import { FunctionCalls } from "./function-calls.ts";
import { bounds, type Measure, mostSeries, type Series } from "./series.ts";

/** What a sample does: adds to a counter, sets or changes a gauge, is counted by size. */
export const sampleKinds = ["counter", "gauge", "change", "histogram"] as const;

/** One thing that an application has measured. */
export interface Sample {
  kind: (typeof sampleKinds)[number];
  name: string;
  value: number;
  labels: Readonly<Record<string, string>>;
}

/** A name as Prometheus has them: other characters become `_`. */
function nameOf(text: string, allowed: RegExp): string {
  const name = text.replaceAll(allowed, "_");
  return /^[0-9]/.test(name) ? `_${name}` : name;
}

/** What applications have measured since the runtime started. */
export class Measures {
  /** Calls of functions, where they are counted. */
  readonly calls = new FunctionCalls();
  readonly #measures = new Map<string, Measure>();
  #series = 0;
  #dropped = 0;

  /** Samples that were not taken: beyond a buffer or the limit of series, or of no use. */
  get dropped(): number {
    return this.#dropped;
  }

  /** By name, in the order in which they came, after those that the runtime counts itself. */
  get all(): Iterable<Measure> {
    const calls = this.calls.all;
    const own = new Set(calls.map(({ name }) => name));
    return [...calls, ...[...this.#measures.values()].filter(({ name }) => !own.has(name))];
  }

  /**
   * Takes samples of a worker.
   *
   * @param lost how many its buffer had no room for
   */
  take(samples: readonly Sample[], lost: number): void {
    this.#dropped += lost;
    for (const sample of samples) if (!this.#add(sample)) this.#dropped += 1;
  }

  #add({ kind, name: given, value, labels }: Sample): boolean {
    const type = kind === "change" ? "gauge" : kind;
    const useless = type === "counter" ? !(value >= 0 && value < Infinity) : Number.isNaN(value);
    if (given === "" || useless) return false;
    const name = nameOf(given, /[^a-zA-Z0-9_:]/g);
    const measure = this.#measures.get(name) ?? { name, type, series: new Map<string, Series>() };
    const series = measure.type === type ? this.#seriesOf(measure, labels) : undefined;
    if (series === undefined) return false;
    this.#measures.set(name, measure);
    series.value = kind === "gauge" ? value : series.value + value;
    if (type === "histogram") {
      for (const [index, bound] of bounds.entries()) {
        if (value <= bound) series.within[index] = (series.within[index] ?? 0) + 1;
      }
    }
    return true;
  }

  /** The series of these labels; undefined for one that is beyond the limit. */
  #seriesOf({ type, series }: Measure, labels: Sample["labels"]): Series | undefined {
    const own: Record<string, string> = {};
    for (const label of Object.keys(labels).sort()) {
      const name = nameOf(label, /[^a-zA-Z0-9_]/g);
      // The bounds of a histogram have this label.
      own[type === "histogram" && name === "le" ? "exported_le" : name || "_"] = labels[label]!;
    }
    const key = JSON.stringify(own);
    const present = series.get(key);
    if (present !== undefined) return present;
    if (this.#series === mostSeries) return undefined;
    this.#series += 1;
    const made = { labels: own, value: 0, within: type === "histogram" ? bounds.map(() => 0) : [] };
    series.set(key, made);
    return made;
  }
}
