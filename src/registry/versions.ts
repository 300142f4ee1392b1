import { WippyError } from "../vm/error.ts";
import type { Entry } from "./entry.ts";
import { compareIds, parseId } from "./entry.ts";

/** What a change set does to one entry. A deletion needs only the identifier of its entry. */
export interface Change {
  kind: "entry.create" | "entry.update" | "entry.delete";
  entry: Entry;
}

/** A change with what it replaced. */
export interface DoneChange extends Change {
  previous?: Entry;
}

/** A state of the registry: the one after boot is 0. */
export interface Version {
  id: number;
  /** The version that it was made from; absent for 0. */
  previous?: number;
}

interface Stored extends Version {
  changes: DoneChange[];
}

function described(id: string): string {
  const { namespace, name } = parseId(id);
  return `{ns: ${namespace}, name: ${name}}`;
}

function refuse(
  kind: "AlreadyExists" | "Conflict" | "NotFound" | "Invalid",
  message: string,
): never {
  throw new WippyError(kind, message, { retryable: false });
}

/**
 * The states of a registry: a tree, since after going back to an older version the next change begins another
 * branch. Holds changes, not copies.
 */
export class Versions {
  readonly #first: ReadonlyMap<string, Entry>;
  readonly #stored = new Map<number, Stored>([[0, { id: 0, changes: [] }]]);
  #current = 0;
  #entries: ReadonlyMap<string, Entry>;

  constructor(entries: Iterable<Entry>) {
    this.#first = new Map([...entries].map((entry) => [entry.id, entry]));
    this.#entries = this.#first;
  }

  get current(): Version {
    return this.version(this.#current);
  }

  /** The entries as they are. */
  get entries(): ReadonlyMap<string, Entry> {
    return this.#entries;
  }

  /** @throws WippyError NotFound */
  version(id: number): Version {
    const stored = this.#stored.get(id);
    if (!stored) refuse("NotFound", `version not found: v${id}`);
    return stored.previous === undefined ? { id } : { id, previous: stored.previous };
  }

  /** Every version, the oldest first. */
  all(): Version[] {
    return [...this.#stored.keys()].map((id) => this.version(id));
  }

  /**
   * The entries after a change set, and the changes with what they replace; nothing is changed yet.
   *
   * @throws WippyError Conflict, NotFound, Invalid: the first change that is not possible
   */
  plan(changes: readonly Change[]): { entries: Map<string, Entry>; changes: DoneChange[] } {
    const entries = new Map(this.#entries);
    const done = changes.map(({ kind, entry }): DoneChange => {
      const previous = entries.get(entry.id);
      if (kind === "entry.create") {
        if (previous) refuse("Conflict", `entry already exists: ${described(entry.id)}`);
        entries.set(entry.id, entry);
        return { kind, entry };
      }
      if (!previous) {
        const what = kind === "entry.delete"
          ? "cannot delete non-existent entry"
          : "entry does not exist";
        refuse("NotFound", `${what}: ${described(entry.id)}`);
      }
      if (kind === "entry.delete") {
        entries.delete(entry.id);
        return { kind, entry: previous, previous };
      }
      if (entry.kind !== previous.kind) {
        refuse(
          "Invalid",
          `cannot change entry kind from ${previous.kind} to ${entry.kind} for ${
            described(entry.id)
          }`,
        );
      }
      entries.set(entry.id, entry);
      return { kind, entry, previous };
    });
    return { entries, changes: done };
  }

  /** Makes a plan the next version. */
  commit(plan: { entries: ReadonlyMap<string, Entry>; changes: DoneChange[] }): Version {
    const id = this.#stored.size;
    this.#stored.set(id, { id, previous: this.#current, changes: plan.changes });
    this.#current = id;
    this.#entries = plan.entries;
    return this.version(id);
  }

  /** The current version is this one again, whose entries were applied by the changes of `changesTo`. */
  moveTo(id: number): void {
    this.#entries = this.at(id);
    this.#current = id;
  }

  /** The entries of a version. @throws WippyError NotFound */
  at(id: number): ReadonlyMap<string, Entry> {
    this.version(id);
    if (id === this.#current) return this.#entries;
    const path: Stored[] = [];
    for (let at: number | undefined = id; at !== undefined; at = this.#stored.get(at)!.previous) {
      path.unshift(this.#stored.get(at)!);
    }
    const entries = new Map(this.#first);
    for (const { changes } of path) {
      for (const { kind, entry } of changes) {
        if (kind === "entry.delete") entries.delete(entry.id);
        else entries.set(entry.id, entry);
      }
    }
    return entries;
  }
}

/** Whether two entries say the same; where they were written does not matter. */
export function sameEntry(left: Entry, right: Entry): boolean {
  return left.kind === right.kind && Bun.deepEquals(left.meta, right.meta) &&
    Bun.deepEquals(left.data, right.data);
}

/** The changes that turn some entries into others, sorted by identifier; a new kind is a deletion and a creation. */
export function difference(
  from: ReadonlyMap<string, Entry>,
  to: ReadonlyMap<string, Entry>,
): Change[] {
  const changes: Change[] = [];
  for (const id of [...new Set([...from.keys(), ...to.keys()])].sort(compareIds)) {
    const [before, after] = [from.get(id), to.get(id)];
    if (!before) changes.push({ kind: "entry.create", entry: after! });
    else if (!after) changes.push({ kind: "entry.delete", entry: before });
    else if (before.kind !== after.kind) {
      changes.push({ kind: "entry.delete", entry: before }, { kind: "entry.create", entry: after });
    } else if (!sameEntry(before, after)) changes.push({ kind: "entry.update", entry: after });
  }
  return changes;
}
