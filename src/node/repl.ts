import { ofKernel } from "../vm/value.ts";
import { nameTaken, promptUnit } from "../app/script.ts";
import type { UnitTable } from "../app/script-units.ts";
import { WippyError } from "../vm/error.ts";
import type { LiveRegistry } from "./live-registry.ts";
import type { WorkerPool } from "./worker-pool.ts";

/** What became of a piece of code. */
export interface Evaluation {
  /** The code is the beginning of something: more lines are needed. */
  incomplete?: boolean;
  /** Message of the error that ended it. */
  error?: string;
  /** Where that was, innermost first: `repl:2: in function 'f'`. */
  trace?: string[];
  /** What it gave, as text for people. */
  values?: string[];
}

/** What the kernel answers (`lua/kernel/inspect/repl.lua`): an empty list is a map there. */
interface Answer extends Omit<Evaluation, "trace" | "values"> {
  trace?: string[] | object;
  values?: string[] | object;
  units?: [table: UnitTable, name: string, isNew: boolean][] | object;
}

/** Where a prompt lives. */
export interface PromptPlace {
  /** The `process.lua` whose processes run the code. */
  entryId: string;
  hostId: string;
  /** Told why a process of the prompt ended, when nobody waited for it; there is a new one already. */
  told: (why: string) => void;
}

function list<Item>(value: Item[] | object | undefined): Item[] {
  return Array.isArray(value) ? value : [];
}

/**
 * Runs code that is typed, piece after piece, in one process of the first worker. The process may end, by an error
 * outside of the code that is waited for or by `interrupt`: the next one has the same globals.
 */
export class ReplSession {
  readonly #pool: WorkerPool;
  readonly #registry: LiveRegistry;
  readonly #place: PromptPlace;
  #pid = "";
  #ready: Promise<void>;
  #evaluating = false;
  #closed = false;
  /** Why the present process ended, once it has. */
  #ended: Promise<string> = Promise.resolve("");

  private constructor(pool: WorkerPool, registry: LiveRegistry, place: PromptPlace) {
    this.#pool = pool;
    this.#registry = registry;
    this.#place = place;
    this.#ready = this.#start();
  }

  /** @throws WippyError when the process cannot be started */
  static async open(
    pool: WorkerPool,
    registry: LiveRegistry,
    place: PromptPlace,
  ): Promise<ReplSession> {
    const prompt = new ReplSession(pool, registry, place);
    await prompt.#ready;
    return prompt;
  }

  async #start(): Promise<void> {
    const { entryId, hostId } = this.#place;
    const { pid, ended } = await this.#pool.spawn(0, entryId, hostId, {}, []);
    this.#pid = pid;
    const why = ended.then(() => "it was ended", (error) => WippyError.from(error).message);
    this.#ended = why;
    void why.then((text) => {
      if (this.#closed) return;
      this.#ready = this.#start();
      // At the end of the runtime there is none any more.
      this.#ready.catch(() => {});
      if (!this.#evaluating) this.#place.told(text);
    });
  }

  /** Runs a piece of code. Its errors are its outcome; one at a time. */
  async evaluate(code: string): Promise<Evaluation> {
    this.#evaluating = true;
    await this.#ready;
    const ended = this.#ended;
    try {
      const answer = ofKernel<Answer>(await this.#pool.ask(0, "evaluate", this.#pid, code));
      const { trace, values, units, ...rest } = answer;
      const wrong = await this.#define(list(units));
      return {
        ...rest,
        ...(trace && { trace: list(trace) }),
        ...(values && { values: list(values) }),
        ...(wrong !== undefined && { error: wrong }),
      };
    } catch (error) {
      const { kind, message } = WippyError.from(error);
      // The process has ended, and its end says why.
      return { error: kind === "Canceled" ? await ended : message };
    } finally {
      this.#evaluating = false;
    }
  }

  /** Makes entries of the units that a piece of code defined. @returns what is wrong with one */
  async #define(
    units: readonly [table: UnitTable, name: string, isNew: boolean][],
  ): Promise<string | undefined> {
    let wrong: string | undefined;
    for (const [table, name, isNew] of units) {
      try {
        const fix = nameTaken(name);
        if (fix !== undefined) {
          throw new WippyError("Invalid", `${table}.${name}: the name is taken; ${fix}`);
        }
        if (isNew) {
          const entry = promptUnit(table, name);
          await this.#registry.apply([{ kind: "entry.create", entry }]);
        }
        await this.#pool.ask(0, "define_unit", table, name);
      } catch (error) {
        wrong ??= WippyError.from(error).message;
        await this.#pool.ask(0, "refuse_unit", table, name);
      }
    }
    return wrong;
  }

  /** Ends what runs; the globals stay. */
  async interrupt(): Promise<void> {
    await this.#pool.ask(0, "terminate", this.#pid);
  }

  /** Ends the process, and starts no other. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.interrupt().catch(() => {});
  }

  /** Names that may stand at the end of a text: globals, or fields of what the text names before it. */
  async complete(text: string): Promise<string[]> {
    const [word] = /[\w.:]*$/.exec(text)!;
    const path = word.split(/[.:]/);
    const beginning = path.pop()!;
    if (path.some((name) => !/^[A-Za-z_]\w*$/.test(name))) return [];
    await this.#ready;
    const found = await this.#pool.ask(
      0,
      "complete_code",
      this.#pid,
      path,
      beginning,
    );
    const before = word.slice(0, word.length - beginning.length);
    return list(found as string[] | object).map((name) => before + name);
  }
}
