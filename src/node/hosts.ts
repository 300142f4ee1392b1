import { type Platform, sleep } from "../platform/platform.ts";
import { decodeEntry } from "../registry/decode.ts";
import type { Entry } from "../registry/entry.ts";
import type { Variables } from "../registry/placeholder.ts";
import { isServiceKind } from "../services/service.ts";
import { kinds } from "../registry/kinds.ts";
import { hostGroup, hostKind } from "../services/services.ts";
import type { HostLimits, HostState } from "../worker/messages.ts";
import type { WorkerPool } from "./worker-pool.ts";

/** How often a stopping host looks whether its processes have gone, in milliseconds. */
const stopPoll = 10;

/** The limits of the hosts that have some, by identifier; each has a counter of its own. */
export function hostLimits(
  entries: readonly Entry[],
  variables: Variables,
): Map<string, HostLimits> {
  const limits = new Map<string, HostLimits>();
  for (const entry of entries) {
    const kind = kinds.get(entry.kind);
    if (!isServiceKind(kind) || !kind.service.limits) continue;
    const allowed = kind.service.limits(decodeEntry(kind, entry, variables));
    if (Object.keys(allowed).length > 0) {
      limits.set(entry.id, { index: limits.size, ...allowed });
    }
  }
  return limits;
}

/** The entries on which units run, and what the workers know of them. */
export class Hosts {
  readonly #pool: WorkerPool;
  readonly #limits: ReadonlyMap<string, HostLimits>;
  readonly #platform: Platform;

  constructor(pool: WorkerPool, limits: ReadonlyMap<string, HostLimits>, platform: Platform) {
    this.#pool = pool;
    this.#limits = limits;
    this.#platform = platform;
  }

  /** Tells the workers whether units may start on an entry; what is not a host is passed over. */
  set(entry: Entry, state: HostState["state"]): void {
    const { id, kind } = entry;
    const units = hostKind(kind);
    if (units === undefined) return;
    const limits = this.#limits.get(id);
    const group = hostGroup(entry);
    this.#pool.setHost({
      id,
      kind,
      units,
      state,
      ...(limits && { limits }),
      ...(group !== undefined && { group }),
    });
  }

  /** Asks the processes of a host to end and waits for those that listen, at most so many milliseconds. */
  async drain(id: string, timeout: number): Promise<void> {
    const reason = "scheduler shutdown";
    for (const worker of this.#pool.running) {
      this.#pool.send(worker, { type: "cancel_all", hostId: id, reason });
    }
    const deadline = this.#platform.precise() + timeout;
    while (this.#platform.precise() < deadline) {
      const counts = await Promise.all(
        this.#pool.running.map((worker) =>
          this.#pool.question(worker, (question) => ({ type: "count", question, hostId: id }), true)
            .then(([live]) => Number(live), () => this.#pool.standing(worker) ? Infinity : 0)
        ),
      );
      if (counts.every((live) => live === 0)) return;
      await sleep(this.#platform, stopPoll);
    }
  }
}
