import { existsSync, readFileSync } from "node:fs";
import type { Debugger } from "../../node/debugger/debugger.ts";
import type { Variable } from "../../node/debugger/target.ts";
import type { Node } from "../../node/node.ts";
import type { Recorded } from "./recorded.ts";

/** Tables are compared this deep, and so many variables of a frame at most. */
const most = { depth: 3, variables: 500 };

/** Where a coroutine of a run waits. */
export interface Stand {
  /** Absolute path, or what the code is called where it is in no file. */
  file: string;
  line: number;
  /** The text of the line, where the file can be read. */
  source?: string;
  /** Local variables by name, and what is in them by path, as a debugger shows it. */
  locals: Map<string, string>;
}

/** Brings runs to where their code waits within their histories; nothing outside is touched. */
export class Stands {
  readonly #node: Node;
  readonly #debug: Debugger;

  private constructor(node: Node, debug: Debugger) {
    this.#node = node;
    this.#debug = debug;
  }

  /** @param node one for replays; it stays the caller's */
  static async over(node: Node): Promise<Stands> {
    const debug = await node.debugger();
    await debug.attach(() => {});
    return new Stands(node, debug);
  }

  /** The coroutines of a run after so many activations, its main one first; none where it has ended. */
  async at({ runId, history }: Recorded, activations: number): Promise<Stand[]> {
    await this.#node.control.replay(runId, history, activations);
    const stands: Stand[] = [];
    for (const { id } of await this.#debug.standInRun(runId)) {
      const [frame] = await this.#debug.stack(id);
      if (!frame) continue;
      const scopes = await this.#debug.scopes(frame.id);
      const locals = new Map<string, string>();
      const scope = scopes.find(({ name }) => name === "Locals");
      if (scope) await this.#add(locals, "", await this.#debug.variables(scope.ref), 0);
      const source = lineOf(frame.file, frame.line);
      stands.push({
        file: frame.file ?? frame.chunk,
        line: frame.line,
        ...source !== undefined && { source },
        locals,
      });
    }
    return stands;
  }

  async #add(
    locals: Map<string, string>,
    path: string,
    variables: Variable[],
    depth: number,
  ): Promise<void> {
    for (const { name, value, type, ref } of variables) {
      if (locals.size >= most.variables) return;
      const own = path === "" || name.startsWith("[") ? path + name : `${path}.${name}`;
      const inner = ref === undefined || type !== "table" || depth === most.depth
        ? []
        : await this.#debug.variables(ref, { count: most.variables });
      // An address says nothing: of what shows as one, the type is compared.
      const comparable = type === "string" || !/\b0x[0-9a-f]+\b/.test(value);
      if (inner.length === 0) locals.set(own, comparable ? value : type);
      else await this.#add(locals, own, inner, depth + 1);
    }
  }
}

/** A coroutine of each of two runs, and whether it is certain that they are the same one. */
export interface Pair {
  a?: Stand | undefined;
  b?: Stand | undefined;
  certain: boolean;
}

/**
 * The coroutine of each run by which the two differ: one on a line on which more coroutines wait than in the other run.
 * It is certain where it is alone on its line. Where not both runs have one, it is the main one.
 */
export function telling(a: readonly Stand[] = [], b: readonly Stand[] = []): Pair {
  const waitingAt = (stands: readonly Stand[], { file, line }: Stand) =>
    stands.filter((each) => each.file === file && each.line === line).length;
  const ofA = a.find((each) => waitingAt(a, each) > waitingAt(b, each));
  const ofB = b.find((each) => waitingAt(b, each) > waitingAt(a, each));
  if (!ofA || !ofB) return { a: a[0], b: b[0], certain: true };
  return { a: ofA, b: ofB, certain: waitingAt(a, ofA) === 1 && waitingAt(b, ofB) === 1 };
}

function lineOf(file: string | undefined, line: number): string | undefined {
  if (file === undefined || !existsSync(file)) return undefined;
  return readFileSync(file, "utf8").split(/\r?\n/)[line - 1]?.trim();
}
