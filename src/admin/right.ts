import { includesRole, type Role } from "./role.ts";

/** Who sends a request. */
export interface Caller {
  /** The role at this moment; undefined once the token or the session has ended. */
  role(): Role | undefined;
  /** What its shares are counted by: the token it uses. */
  readonly name: string;
  /** Whether it may debug, which no role includes: code that a debugger runs has every right. */
  readonly debugs?: boolean;
  /** Keeps the connection open however long the answer takes. */
  wait?(): void;
}

/** A caller's right to one request, for as long as the request lasts. */
export interface Right {
  readonly caller: Caller;
  /** Aborted when the caller has lost the right. */
  readonly signal: AbortSignal;
  /** Whether the caller has it at this moment. */
  holds(): boolean;
  /** Whether it outlives the handler. */
  readonly kept: boolean;
  /** For a handler whose response continues after it returned; it calls `end` itself. */
  keep(): void;
  end(): void;
}

/** How often the rights of open requests are checked, in milliseconds. */
const interval = 500;

interface Open extends Right {
  lose(): void;
}

/**
 * The rights of all open requests. A token may be revoked by another program and a session ends by itself, so the
 * rights are checked again while a request is open.
 */
export class Rights {
  readonly #open = new Set<Open>();
  #timer: ReturnType<typeof setInterval> | undefined;

  /** A request begins. */
  begin(caller: Caller, needed: Role): Right {
    const controller = new AbortController();
    let kept = false;
    const right: Open = {
      caller,
      signal: controller.signal,
      holds: () => {
        try {
          const role = caller.role();
          return role !== undefined && includesRole(role, needed);
        } catch {
          // Where the tokens cannot be read, nobody has a right.
          return false;
        }
      },
      get kept() {
        return kept;
      },
      keep: () => kept = true,
      end: () => {
        this.#open.delete(right);
        if (this.#open.size > 0) return;
        clearInterval(this.#timer);
        this.#timer = undefined;
      },
      lose: () => controller.abort(),
    };
    this.#open.add(right);
    this.#timer ??= setInterval(() => this.check(), interval);
    return right;
  }

  /** Ends the requests whose callers have lost their right. */
  check(): void {
    for (const right of [...this.#open]) {
      if (right.holds()) continue;
      right.lose();
      right.end();
    }
  }

  /** How many requests of a caller are open and kept. */
  keptBy(name: string): number {
    return [...this.#open].filter((right) => right.kept && right.caller.name === name).length;
  }
}
