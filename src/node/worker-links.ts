/**
 * Opens the direct ways between workers, and counts the versions of the application that the workers are told of.
 * @module
 */
import type { Simulation } from "../platform/simulation.ts";
import type { LinkPort, ToWorker } from "../worker/messages.ts";

/** One end of a way between two simulated workers: each message arrives in its turn, when the seed wants. */
class SimulatedPort implements LinkPort {
  onmessage: LinkPort["onmessage"] = null;
  readonly #simulation: Simulation;
  readonly #arriving: Uint8Array[] = [];
  other!: SimulatedPort;
  #closed = false;

  constructor(simulation: Simulation) {
    this.#simulation = simulation;
  }

  postMessage(data: Uint8Array): void {
    const { other } = this;
    this.#simulation.note(data);
    other.#arriving.push(data);
    this.#simulation.defer(() => {
      const next = other.#arriving.shift();
      if (next && !other.#closed) other.onmessage?.(new MessageEvent("message", { data: next }));
    });
  }

  drain(): Uint8Array[] {
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

/** What the workers are told of each other. */
export class WorkerLinks {
  #version = 0;

  /** Version of the application that the workers have been told of. */
  get version(): number {
    return this.#version;
  }

  /** The next one, for a message that goes to all workers. */
  advance(): number {
    return ++this.#version;
  }

  /** Opens the way between a worker that has started and each of the others. */
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
