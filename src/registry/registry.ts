import { compareIds, type Entry } from "./entry.ts";
import { compileQuery, type Query } from "./query.ts";

/** The entries of a running application, found by identifier, kind or metadata. */
export class Registry {
  /** Number of the state: 0 is the state after boot. */
  readonly version = 0;
  readonly #entries: ReadonlyMap<string, Entry>;

  /** @param entries in any order; identifiers are unique (the loader reports duplicates) */
  constructor(entries: Iterable<Entry>) {
    const sorted = [...entries].sort((left, right) => compareIds(left.id, right.id));
    this.#entries = new Map(sorted.map((entry) => [entry.id, entry]));
  }

  /** The entry of that full identifier. */
  get(id: string): Entry | undefined {
    return this.#entries.get(id);
  }

  /** Every entry, sorted by identifier. */
  all(): Entry[] {
    return [...this.#entries.values()];
  }

  /** The entries of the kinds named, sorted by identifier. */
  ofKind(...kinds: string[]): Entry[] {
    return this.all().filter((entry) => kinds.includes(entry.kind));
  }

  /**
   * The entries that meet every criterion of the query, sorted by identifier.
   *
   * @param warn hears of each criterion that is not understood and therefore left out
   */
  find(query: Query, warn: (message: string) => void = () => {}): Entry[] {
    return this.all().filter(compileQuery(query, warn));
  }
}
