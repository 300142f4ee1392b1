import { WippyError } from "../vm/error.ts";
import type { LuaValue } from "../vm/value.ts";
import type { Tell } from "./kernel-requests.ts";

interface Watcher {
  worker: number;
  subscription: number;
  /** One group, or undefined: all of the scope. */
  group: string | undefined;
}

/** One scope: its groups, each a list of members in the order in which they joined. */
class Scope {
  /** Group -> number of the join -> PID. A member may have joined several times. */
  readonly groups = new Map<string, Map<number, string>>();
  /** PID -> group -> numbers of its joins. */
  readonly joins = new Map<string, Map<string, number[]>>();
  readonly watchers: Watcher[] = [];
}

function invalid(message: string): WippyError {
  return new WippyError("Invalid", message, { retryable: false });
}

/**
 * Process groups (module `pg`): who is a member of what. The one truth of a runtime, kept on the node's thread, so
 * that a snapshot and the changes after it never disagree. That a scope is an entry is checked where it is opened.
 */
export class Groups {
  readonly #scopes = new Map<string, Scope>();
  readonly #tell: Tell;
  readonly #workerOf: (pid: string) => number | undefined;
  #lastJoin = 0;

  constructor(tell: Tell, workerOf: (pid: string) => number | undefined) {
    this.#tell = tell;
    this.#workerOf = workerOf;
  }

  #scope(id: string): Scope {
    const present = this.#scopes.get(id);
    if (present) return present;
    const scope = new Scope();
    this.#scopes.set(id, scope);
    return scope;
  }

  /** Joins every group named, once for each time that it is named. */
  join(scopeId: string, pid: string, names: readonly string[]): void {
    const scope = this.#scope(scopeId);
    for (const name of names) {
      const group = scope.groups.get(name) ?? new Map<number, string>();
      scope.groups.set(name, group);
      const own = scope.joins.get(pid) ?? new Map<string, number[]>();
      scope.joins.set(pid, own);
      const number = ++this.#lastJoin;
      group.set(number, pid);
      own.set(name, [...(own.get(name) ?? []), number]);
      this.#announce(scope, "member.joined", name, [pid]);
    }
  }

  /** Leaves each group named once. @throws WippyError Invalid when the PID is a member of none of them */
  leave(scopeId: string, pid: string, names: readonly string[]): void {
    const scope = this.#scope(scopeId);
    const left = names.filter((name) => {
      const number = scope.joins.get(pid)?.get(name)?.pop();
      if (number === undefined) return false;
      this.#forget(scope, pid, name, [number]);
      this.#announce(scope, "member.left", name, [pid]);
      return true;
    });
    if (left.length === 0) throw invalid(`${pid} is not a member of ${names.join(", ")}`);
  }

  #forget(scope: Scope, pid: string, name: string, numbers: readonly number[]): void {
    const group = scope.groups.get(name);
    for (const number of numbers) group?.delete(number);
    if (group?.size === 0) scope.groups.delete(name);
    const own = scope.joins.get(pid);
    if (own?.get(name)?.length === 0) own.delete(name);
    if (own?.size === 0) scope.joins.delete(pid);
  }

  /** A process has ended: it leaves all its groups. */
  release(pid: string): void {
    for (const scope of this.#scopes.values()) {
      const own = scope.joins.get(pid);
      if (!own) continue;
      for (const [name, numbers] of own) {
        this.#forget(scope, pid, name, numbers);
        this.#announce(scope, "member.left", name, numbers.map(() => pid));
      }
      scope.joins.delete(pid);
    }
  }

  /** A worker has died with all its processes and subscriptions. */
  workerDied(worker: number): void {
    for (const scope of this.#scopes.values()) {
      const staying = scope.watchers.filter((watcher) => watcher.worker !== worker);
      scope.watchers.splice(0, scope.watchers.length, ...staying);
      for (const pid of [...scope.joins.keys()]) {
        if (this.#workerOf(pid) === worker) this.release(pid);
      }
    }
  }

  members(scopeId: string, name: string): string[] {
    return [...this.#scope(scopeId).groups.get(name)?.values() ?? []];
  }

  names(scopeId: string): string[] {
    return [...this.#scope(scopeId).groups.keys()];
  }

  /** Every group with its members. */
  all(scopeId: string): Map<string, LuaValue> {
    const { groups } = this.#scope(scopeId);
    return new Map([...groups].map(([name, members]) => [name, [...members.values()]]));
  }

  /** Sends a message to every member, as often as it joined: one request for each worker. */
  broadcast(scopeId: string, name: string, topic: string, from: string, values: LuaValue[]): void {
    const byWorker = new Map<number, string[]>();
    for (const pid of this.#scope(scopeId).groups.get(name)?.values() ?? []) {
      const worker = this.#workerOf(pid);
      if (worker === undefined) continue;
      const pids = byWorker.get(worker);
      if (pids) pids.push(pid);
      else byWorker.set(worker, [pid]);
    }
    for (const [worker, pids] of byWorker) {
      this.#tell(worker, "send_each", pids, topic, from, values.length, ...values);
    }
  }

  /** Tells a subscription of a worker of every change from now on, of one group or of all. */
  watch(scopeId: string, worker: number, subscription: number, group: string | undefined): void {
    this.#scope(scopeId).watchers.push({ worker, subscription, group });
  }

  unwatch(worker: number, subscription: number): void {
    for (const { watchers } of this.#scopes.values()) {
      const at = watchers.findIndex((watcher) =>
        watcher.worker === worker && watcher.subscription === subscription
      );
      if (at >= 0) watchers.splice(at, 1);
    }
  }

  #announce(scope: Scope, kind: string, name: string, pids: string[]): void {
    for (const { worker, subscription, group } of scope.watchers) {
      if (group === undefined || group === name) {
        const data = { Group: name, PIDs: pids };
        this.#tell(worker, "event", [subscription], "pg", kind, name, data);
      }
    }
  }
}
