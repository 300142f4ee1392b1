/**
 * The registry of a running node: change sets go through the same checks as the boot, then everywhere at once.
 * @module
 */
import { importsOf, isCode } from "../app/code-graph.ts";
import type { Problem } from "../app/problem.ts";
import type { Entry } from "../registry/entry.ts";
import { entryValue } from "../registry/entry-value.ts";
import {
  type Change,
  difference,
  type DoneChange,
  type Version,
  Versions,
} from "../registry/versions.ts";
import { kinds } from "../registry/kinds.ts";
import { WippyError } from "../vm/error.ts";
import type { LuaValue } from "../vm/value.ts";
import { refuseReserved } from "./builtin.ts";
import type { Bus } from "./bus.ts";

/** What the node does with a change set. */
export interface RegistryHooks {
  /** The application's modules, `org/module`. */
  modules: ReadonlySet<string>;
  /** Waits for code, while a simulation waits as well. */
  loading<Code>(code: Promise<Code>): Promise<Code>;
  /**
   * What is wrong with the entries as they would be; `code` are those whose code is to be tried. `strict`: a body that
   * fails is an error, also where only a call or a start would show it.
   */
  check(
    entries: ReadonlyMap<string, Entry>,
    code: readonly string[],
    strict: boolean,
  ): Promise<Problem[]>;
  /**
   * Takes the changes over; `outdated` has, for each entry whose code changed, the changed entries that it uses. When a
   * service refuses one, the inverse changes follow.
   */
  take(
    entries: ReadonlyMap<string, Entry>,
    changes: readonly DoneChange[],
    outdated: ReadonlyMap<string, string[]>,
  ): Promise<void>;
}

/** Where modules are installed unless the lock file says otherwise. */
const usualVendor = ".wippy/vendor";

/** @throws WippyError Conflict when a change alters a field that its kind keeps */
function refuseConstant(before: Entry | undefined, after: Entry | undefined): void {
  if (before === undefined || after === undefined || before.kind !== after.kind) return;
  for (const field of kinds.get(before.kind)?.constant ?? []) {
    if (Bun.deepEquals(before.data[field], after.data[field])) continue;
    const message = `${before.id}: ${field} cannot change while the runtime runs; ` +
      "add another entry, and remove this one";
    throw new WippyError("Conflict", message, { retryable: false });
  }
}

export class LiveRegistry {
  readonly versions: Versions;
  readonly #hooks: RegistryHooks;
  readonly #bus: Bus;
  /** The last change set; the next one waits for it. */
  #busy: Promise<unknown> = Promise.resolve();

  constructor(entries: Iterable<Entry>, hooks: RegistryHooks, bus: Bus) {
    this.versions = new Versions(entries);
    this.#hooks = hooks;
    this.#bus = bus;
  }

  /**
   * Applies a change set, all of it or nothing.
   *
   * @throws WippyError Invalid when it is empty; Conflict when it depends on modules that are not installed;
   *   Internal, with the cause in its message, when it is not possible
   */
  apply(changes: readonly Change[]): Promise<Version> {
    return this.#inTurn(async () => {
      await this.#checkDependencies(changes);
      return await this.#apply(changes);
    });
  }

  async #checkDependencies(changes: readonly Change[]): Promise<void> {
    const entries = changes.filter(({ kind }) => kind !== "entry.delete")
      .map(({ entry }) => entry);
    const { missingModules } = await this.#hooks.loading(import("../app/dependency.ts"));
    const missing = missingModules(entries, this.#hooks.modules, usualVendor);
    if (missing.length === 0) return;
    const texts = missing.map(({ entry, message, fix }) => `${entry}: ${message}; ${fix}`);
    throw new WippyError("Conflict", `dependency resolution failed: ${texts.join("; ")}`, {
      retryable: false,
      details: {
        count: missing.length,
        summary: texts.join("; "),
        errors: missing.map(({ module, constraint, message }) => ({ module, constraint, message })),
      },
    });
  }

  /** Applies what leads to the entries given: for a source that was read anew. @returns the version and what changed */
  applyAll(entries: Iterable<Entry>): Promise<{ version: Version; changes: Change[] }> {
    return this.#inTurn(async () => {
      const wanted = new Map([...entries].map((entry) => [entry.id, entry]));
      const changes = difference(this.versions.entries, wanted);
      if (changes.length === 0) return { version: this.versions.current, changes };
      return { version: await this.#apply(changes, true), changes };
    });
  }

  /** Goes to the state of another version. @throws as `apply`, and NotFound */
  moveTo(id: number): Promise<Version> {
    return this.#inTurn(async () => {
      const changes = difference(this.versions.entries, this.versions.at(id));
      if (changes.length > 0) await this.#take(changes);
      this.versions.moveTo(id);
      return this.versions.current;
    });
  }

  #inTurn<Result>(work: () => Promise<Result>): Promise<Result> {
    const result = this.#busy.then(work);
    this.#busy = result.catch(() => {});
    return result;
  }

  async #apply(changes: readonly Change[], strict = false): Promise<Version> {
    if (changes.length === 0) {
      throw new WippyError("Invalid", "no changes to apply", { retryable: false });
    }
    return this.versions.commit(await this.#take(changes, strict));
  }

  /** Checks a change set and has the node take it over. */
  async #take(
    changes: readonly Change[],
    strict = false,
  ): Promise<{ entries: Map<string, Entry>; changes: DoneChange[] }> {
    this.#tell("registry.begin", "transaction");
    try {
      const plan = this.versions.plan(changes);
      for (const { entry } of plan.changes) {
        refuseReserved(entry.id);
        refuseConstant(this.versions.entries.get(entry.id), plan.entries.get(entry.id));
        const why = kinds.get(entry.kind)?.fixed;
        if (why !== undefined) {
          throw new WippyError(
            "Invalid",
            `${entry.id}: a ${entry.kind} cannot change while the runtime lives: ${why}`,
            { retryable: false },
          );
        }
      }
      const outdated = usersOf(plan.changes, this.versions.entries, plan.entries);
      const code = [...outdated.keys()].filter((id) => plan.entries.has(id));
      const problems = (await this.#hooks.check(plan.entries, code, strict))
        .filter(({ severity }) => severity === "error");
      if (problems.length > 0) throw rejected(problems);
      for (const { kind, entry } of plan.changes) this.#tell(kind, entry.id, entryValue(entry));
      await this.#hooks.take(plan.entries, plan.changes, outdated).catch(async (error: unknown) => {
        await this.#undo(plan);
        throw error;
      });
      for (const { entry } of plan.changes) this.#tell("entry.accept", entry.id);
      this.#tell("registry.commit", "transaction");
      return plan;
    } catch (error) {
      this.#tell("registry.discard", "transaction");
      const cause = WippyError.from(error);
      throw new WippyError("Internal", `failed to apply changes: ${cause.message}`, {
        retryable: false,
        ...(cause.details !== undefined && { details: cause.details }),
        cause,
      });
    }
  }

  /** Has the node go back to where it was before a change set that a service refused. */
  async #undo(
    { entries, changes }: { entries: ReadonlyMap<string, Entry>; changes: readonly DoneChange[] },
  ): Promise<void> {
    const before = this.versions.entries;
    const inverse = changes.toReversed().map(({ kind, entry, previous }): DoneChange =>
      previous === undefined
        ? { kind: "entry.delete", entry, previous: entry }
        : kind === "entry.delete"
        ? { kind: "entry.create", entry: previous }
        : { kind: "entry.update", entry: previous, previous: entry }
    );
    // A service that does not come back reports that itself; the caller hears why the change was refused.
    await this.#hooks.take(before, inverse, usersOf(inverse, entries, before)).catch(() => {});
  }

  #tell(kind: string, path: string, data?: LuaValue): void {
    this.#bus.publish({ system: "registry", kind, path, ...(data !== undefined && { data }) });
  }
}

function rejected(problems: readonly Problem[]): WippyError {
  const of = (entry = "application", line?: number) =>
    `${entry}${line === undefined ? "" : `:${line}`}`;
  const typed = problems.filter(({ code }) => code !== undefined);
  const [first] = typed;
  if (first && typed.length === problems.length) {
    // Of one entry after the other; the first says what the rest is about.
    const texts = [...Map.groupBy(typed, ({ entry }) => entry)].map(([entry, list]) =>
      `type errors in ${of(entry)}: ${
        list.map(({ line, column, message, code }) =>
          `${line}:${column} ${message.replace(/^type error: /, "").replace(` (${code})`, "")}`
        )
          .join("; ")
      }`
    );
    return new WippyError("Invalid", texts.join("; "), {
      retryable: false,
      details: { node_id: of(first.entry), error_count: typed.length },
    });
  }
  const texts = problems.map(({ entry, line, message }) => `${of(entry, line)}: ${message}`);
  return new WippyError("Invalid", texts.join("; "), {
    retryable: false,
    details: { problems: problems.map(({ fix }, index) => `${texts[index]}; ${fix}`) },
  });
}

/** Entries with code -> which of the changed entries they use, themselves included, over any number of imports. */
function usersOf(
  changes: readonly DoneChange[],
  before: ReadonlyMap<string, Entry>,
  after: ReadonlyMap<string, Entry>,
): Map<string, string[]> {
  const importers = new Map<string, Set<string>>();
  for (const entry of [...before.values(), ...after.values()]) {
    if (!isCode(entry)) continue;
    for (const [, target] of importsOf(entry)) {
      const present = importers.get(target);
      if (present) present.add(entry.id);
      else importers.set(target, new Set([entry.id]));
    }
  }
  const users = new Map<string, string[]>();
  for (const { entry } of changes) {
    if (!isCode(entry)) continue;
    const reached = new Set<string>([entry.id]);
    for (const id of reached) for (const importer of importers.get(id) ?? []) reached.add(importer);
    for (const id of reached) users.set(id, [...users.get(id) ?? [], entry.id]);
  }
  return users;
}
