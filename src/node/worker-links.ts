/**
 * Opens the direct links between workers, and counts the versions of the application that workers are notified of.
 * @module
 */
import type { Simulation } from "../platform/simulation.ts";
import type { LinkData } from "../worker/batch.ts";
import type { LinkPort, ToWorker } from "../worker/messages.ts";

/** One end of a link between two simulated workers: each message arrives when the seed decides. */
class SimulatedPort implements LinkPort {
  onmessage: LinkPort["onmessage"] = null;
  readonly #simulation: Simulation;
  readonly #arriving: LinkData[] = [];
  other!: SimulatedPort;
  #closed = false;

  constructor(simulation: Simulation) {
    this.#simulation = simulation;
  }

  postMessage(data: LinkData): void {
    const { other } = this;
    this.#simulation.note(data);
    other.#arriving.push(data);
    this.#simulation.defer(() => {
      const next = other.#arriving.shift();
      if (next !== undefined && !other.#closed) {
        other.onmessage?.(new MessageEvent("message", { data: next }));
      }
    });
  }

  drain(): LinkData[] {
    return this.#arriving.splice(0);
  }

  close(): void {
    this.#closed = true;
  }
}

function channel(simulation: Simulation | undefined): [LinkPort, LinkPort] {
  if (!simulation) {
    const { port1, port2 } = new MessageChannel();
    return [port1, port2];
  }
  const ends = [new SimulatedPort(simulation), new SimulatedPort(simulation)] as const;
  [ends[0].other, ends[1].other] = [ends[1], ends[0]];
  return [...ends];
}

/** The links between the workers of a node. */
export class WorkerLinks {
  #version = 0;

  /** The version of the application that the workers know. */
  get version(): number {
    return this.#version;
  }

  /** Returns the next version, for a broadcast to all workers. */
  advance(): number {
    return ++this.#version;
  }

  /** Links a worker that has started to each of the others. */
  connect(
    index: number,
    others: Iterable<number>,
    send: (worker: number, message: ToWorker) => void,
    simulation?: Simulation,
  ): void {
    for (const other of others) {
      if (other === index) continue;
      const [own, its] = channel(simulation);
      send(index, { type: "link", index: other, port: own });
      send(other, { type: "link", index, port: its });
    }
  }
}
