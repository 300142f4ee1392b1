/**
 * The direct ways between workers: what they say to each other does not pass through the node's thread. One buffer goes
 * to each receiver at the end of a turn, and one entry of the kernel takes it. See docs/contributing/messages.md.
 * @module
 */
import { receiveMessageOnPort } from "node:worker_threads";
import { type DirectMessage, fromLink, type LinkItem, toLink } from "./batch.ts";
import type { FromWorker, LinkPort } from "./messages.ts";

/** Bytes on their way to one worker from which on senders wait until it has taken half of them. */
export const mostUnderWay = 1024 * 1024;
/** Bytes after which the sender hears that they were taken, even when there is nothing else to say. */
const creditAfter = mostUnderWay / 4;

interface Batch {
  version: number;
  items: LinkItem[];
  bytes: number;
}

class Link {
  /** What goes out at the end of the turn. */
  outgoing: LinkItem[] = [];
  /** The last fence that was sent, and whether another has to precede what is sent next. */
  fence = 0;
  fenced = false;
  /** Bytes that are under way, and those that were taken but not acknowledged. */
  underWay = 0;
  taken = 0;
  congested = false;
  /** What has arrived and waits: for a fence, or for what the node said before. */
  readonly held: Batch[] = [];
  awaited = 0;
  passed = -1;

  constructor(readonly port: LinkPort) {}
}

/** What the links need of their worker. */
export interface LinkPlace {
  /** Takes what a worker has sent, in its order. */
  deliver(origin: number, items: DirectMessage[]): void;
  /** Runs what has become runnable. */
  turn(): void;
  /** Sends to the node. */
  tell(message: FromWorker): void;
  /** From now on senders to a worker have to wait, or no longer. */
  congested(worker: number, on: boolean): void;
  /** Messages that the VM has packed for a worker since the last call; undefined: none. */
  packed(worker: number): Uint8Array | undefined;
}

/**
 * The ways of one worker to all others.
 *
 * Two workers also hear of each other through the node, and through third ones. So that nothing is seen before what led
 * to it, a batch names the version of the application that its sender knows: the receiver takes it once the node has
 * told it as much. And what a worker tells the node without waiting for an answer is followed by a fence: it goes
 * through the node, and what the worker sends directly from then on waits for it.
 */
export class Links {
  readonly #links = new Map<number, Link>();
  readonly #place: LinkPlace;
  #version: number;

  /** @param version of the application that the worker was started with */
  constructor(place: LinkPlace, version: number) {
    this.#place = place;
    this.#version = version;
  }

  /** Opens the way to a worker. The first fence says that all that went through the node has arrived. */
  open(worker: number, port: LinkPort): void {
    const link = new Link(port);
    this.#links.set(worker, link);
    port.onmessage = ({ data }) => {
      this.#arrived(worker, link, data);
      this.#place.turn();
    };
    // A runtime that has nothing else to wait for may end.
    port.unref?.();
    this.#place.tell({ type: "fence", to: worker, number: 0 });
  }

  /** Whether there is a direct way to a worker. */
  has(worker: number): boolean {
    return this.#links.has(worker);
  }

  /** Sends to a worker, at the end of the turn. There must be a way to it. */
  send(worker: number, message: DirectMessage): void {
    this.#add(worker, this.#links.get(worker)!, message);
  }

  /** What is sent from now on must not arrive before what the node was told until now. */
  raiseFences(): void {
    for (const [worker, link] of this.#links) {
      if (link.fenced) continue;
      const packed = this.#place.packed(worker);
      if (packed) link.outgoing.push(packed);
      link.fenced = true;
    }
  }

  /** Takes what the VM has packed, and then a message; a fence goes before both, if there is to be one. */
  #add(worker: number, link: Link, message?: DirectMessage): void {
    const packed = this.#place.packed(worker);
    if (link.fenced && (packed || message)) {
      link.fenced = false;
      link.outgoing.push(++link.fence);
      this.#place.tell({ type: "fence", to: worker, number: link.fence });
    }
    if (packed) link.outgoing.push(packed);
    if (message) link.outgoing.push(message);
  }

  /** Takes what the VM has packed, which may tell the node of fences: to be called before what it is told is posted. */
  pack(): void {
    for (const [worker, link] of this.#links) this.#add(worker, link);
  }

  /** Posts what was sent; what the node is told in the same turn was posted before. */
  flush(): void {
    for (const [worker, link] of this.#links) {
      const { outgoing, port } = link;
      if (outgoing.length === 0 && link.taken < creditAfter) continue;
      const bytes = toLink(this.#version, link.taken, outgoing);
      link.taken = 0;
      if (outgoing.length > 0) {
        link.underWay += bytes.length;
        link.outgoing = [];
      }
      port.postMessage(bytes, [bytes.buffer]);
      if (link.underWay > mostUnderWay && !link.congested) {
        link.congested = true;
        this.#place.congested(worker, true);
      }
    }
  }

  /** A fence of a worker has come through the node. */
  passed(worker: number, fence: number): void {
    const link = this.#links.get(worker);
    if (!link) return;
    link.passed = fence;
    this.#process(worker, link);
  }

  /** The node has told of a version of the application. */
  reached(version: number): void {
    this.#version = version;
    for (const [worker, link] of this.#links) this.#process(worker, link);
  }

  /** A worker has died: what it sent before is taken, and nothing comes afterwards. */
  close(worker: number): void {
    const link = this.#links.get(worker);
    if (!link) return;
    // The node has handled all that the worker told it.
    link.passed = Infinity;
    for (const data of drained(link.port)) this.#arrived(worker, link, data);
    this.#process(worker, link);
    this.#links.delete(worker);
    link.port.close();
  }

  /** Closes all. */
  closeAll(): void {
    for (const { port } of this.#links.values()) port.close();
    this.#links.clear();
  }

  #arrived(worker: number, link: Link, data: Uint8Array): void {
    const { version, taken, items } = fromLink(data);
    link.underWay -= taken;
    if (items.length > 0) link.held.push({ version, items, bytes: data.length });
    if (link.congested && link.underWay < mostUnderWay / 2) {
      link.congested = false;
      this.#place.congested(worker, false);
    }
    this.#process(worker, link);
  }

  #process(worker: number, link: Link): void {
    const ready: DirectMessage[] = [];
    for (let batch = link.held[0]; batch; batch = link.held[0]) {
      if (link.awaited > link.passed || batch.version > this.#version) break;
      const at = batch.items.findIndex((item) => typeof item === "number");
      if (at >= 0) {
        const [fence, ...before] = batch.items.splice(0, at + 1).reverse();
        ready.push(...before.reverse() as DirectMessage[]);
        link.awaited = fence as number;
        continue;
      }
      ready.push(...batch.items as DirectMessage[]);
      link.held.shift();
      link.taken += batch.bytes;
    }
    if (ready.length > 0) this.#place.deliver(worker, ready);
  }
}

/** What waits in a port. */
function drained(port: LinkPort): Uint8Array[] {
  if (port.drain) return port.drain();
  const found: Uint8Array[] = [];
  for (;;) {
    const received = receiveMessageOnPort(port as never) as { message: Uint8Array } | undefined;
    if (!received) return found;
    found.push(received.message);
  }
}
