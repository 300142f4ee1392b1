import { DatabaseError } from "pg";

/** Statements that one connection has prepared at most. */
const most = 100;
/** Texts that are remembered, to see which come again. */
const remembered = 500;

/** Sent without a name: the server prepares it for this one time. */
export const unnamed = { name: "", known: false } as const;

/**
 * The texts that one connection has had prepared under names, so that the server need not read and plan them again. A
 * text gets a name when it comes for the second time.
 */
export class PreparedTexts {
  readonly #names = new Map<string, string>();
  readonly #seen = new Set<string>();
  #last = 0;

  /** The name for a text, and whether the server has it; an empty name for one that is not prepared. */
  use(sql: string): { name: string; known: boolean } {
    const present = this.#names.get(sql);
    if (present !== undefined) return { name: present, known: true };
    if (this.#names.size < most && this.#seen.delete(sql)) {
      return { name: `wippy_${this.#last += 1}`, known: false };
    }
    this.#seen.add(sql);
    const [oldest] = this.#seen;
    if (this.#seen.size > remembered && oldest !== undefined) this.#seen.delete(oldest);
    return unnamed;
  }

  /** The server has it under this name. */
  keep(sql: string, name: string): void {
    this.#names.set(sql, name);
  }

  /** It does not, or has something else. */
  forget(sql: string): void {
    this.#names.delete(sql);
  }
}

/**
 * Whether the server refused a prepared statement for what it is, before it did anything: the columns of its result
 * have changed, it was deallocated, or a proxy has given the connection's session to somebody else.
 */
export function isStale(error: unknown): boolean {
  if (!(error instanceof DatabaseError)) return false;
  const { code, routine } = error;
  return code === "26000" || code === "42P05" ||
    code === "0A000" && routine === "RevalidateCachedQuery";
}
