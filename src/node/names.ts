import { WippyError } from "../vm/error.ts";

/** Registered names of PIDs, for the whole node. */
export class Names {
  readonly #pids = new Map<string, string>();
  readonly #names = new Map<string, Set<string>>();

  /** The PID of a name. @throws WippyError NotFound */
  lookup(name: string): string {
    const pid = this.#pids.get(name);
    if (pid === undefined) {
      throw new WippyError("NotFound", `name not registered: ${name}`, { retryable: false });
    }
    return pid;
  }

  /** Whether a PID has this name. */
  has(name: string): boolean {
    return this.#pids.has(name);
  }

  /** Names of a PID. */
  of(pid: string): string[] {
    return [...this.#names.get(pid) ?? []];
  }

  /** Gives the name to a PID unless another has it; answers who has it now. */
  claim(name: string, pid: string): string {
    const owner = this.#pids.get(name);
    if (owner !== undefined) return owner;
    this.#pids.set(name, pid);
    const names = this.#names.get(pid);
    if (names) names.add(name);
    else this.#names.set(pid, new Set([name]));
    return pid;
  }

  /** Gives the name to a PID; the same again succeeds. @throws WippyError AlreadyExists */
  register(name: string, pid: string): void {
    const owner = this.claim(name, pid);
    if (owner !== pid) {
      throw new WippyError("AlreadyExists", `name already registered: ${name}`, {
        retryable: false,
      });
    }
  }

  /** Removes a name; false when there was none. */
  unregister(name: string): boolean {
    const pid = this.#pids.get(name);
    if (pid === undefined) return false;
    this.#pids.delete(name);
    const names = this.#names.get(pid);
    names?.delete(name);
    if (names?.size === 0) this.#names.delete(pid);
    return true;
  }

  /** The owner has ended: its names are free. */
  release(pid: string): void {
    for (const name of this.#names.get(pid) ?? []) this.#pids.delete(name);
    this.#names.delete(pid);
  }

  /** Releases every PID that `ended` accepts. */
  releaseWhere(ended: (pid: string) => boolean): void {
    for (const pid of [...this.#names.keys()]) if (ended(pid)) this.release(pid);
  }
}
