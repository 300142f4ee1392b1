/**
 * The direct links between workers, which bypass the node's thread. At the end of a turn one buffer goes to each
 * receiver, whose kernel processes it in one call. See docs/contributing/messages.md.
 * @module
 */
import { lazy } from "../registry/lazy.ts";
import type { Parcel, ParcelHeader } from "../vm/parcels.ts";
import { type DirectMessage, fromLink, type LinkData, type LinkItem, toLink } from "./batch.ts";
import type { FromWorker, LinkPort } from "./messages.ts";

/** Read with the first port that is drained: it takes a millisecond of a script, which has no other worker. */
const threads = lazy(() => require("node:worker_threads") as typeof import("node:worker_threads"));

/** Bytes in flight to one worker at which senders wait until it has processed half of them. */
export const mostUnderWay = 1024 * 1024;
/** Processed bytes after which credit is returned by itself, without waiting for other messages. */
const creditAfter = mostUnderWay / 4;

interface Batch {
  version: number;
  items: LinkItem[];
  bytes: number;
}

class Link {
  /** Messages to send at the end of the turn. */
  outgoing: LinkItem[] = [];
  /** The last fence that was sent, and whether another has to precede what is sent next. */
  fence = 0;
  fenced = false;
  /** Bytes in flight, and bytes processed but not acknowledged. */
  underWay = 0;
  taken = 0;
  congested = false;
  /** Batches that have arrived and wait for a fence or a version. */
  readonly held: Batch[] = [];
  awaited = 0;
  passed = -1;

  constructor(readonly port: LinkPort) {}
}

/** What the links need of their worker. */
export interface LinkPlace {
  /** Processes the messages of a worker, in order. */
  deliver(origin: number, items: (DirectMessage | Parcel)[]): void;
  /** Runs what has become runnable. */
  turn(): void;
  /** Sends to the node. */
  tell(message: FromWorker): void;
  /** Makes senders to a worker wait, or lets them continue. */
  congested(worker: number, on: boolean): void;
  /** Messages that the VM has packed for a worker since the last call; undefined: none. */
  packed(worker: number): Parcel | undefined;
  /** The same, as what is posted. */
  posted(worker: number, header: ParcelHeader): LinkData | undefined;
  /** Lets the VM pack messages for a worker, or no longer. */
  opened(worker: number, on: boolean): void;
}

/**
 * The links of one worker to all others.
 *
 * Two workers also hear of each other through the node, and through third workers. To preserve causality, a batch names
 * the version of the application that its sender knows: the receiver processes it once it knows that version too. And a
 * message to the node that does not wait for a reply is followed by a fence: the fence goes through the node, and
 * direct messages that the worker sends afterwards wait for it.
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

  /** Opens the link to a worker. The first fence marks that everything sent through the node has arrived. */
  open(worker: number, port: LinkPort): void {
    const link = new Link(port);
    this.#links.set(worker, link);
    port.onmessage = ({ data }) => {
      this.#arrived(worker, link, data);
      this.#place.turn();
    };
    // The port alone must not keep the runtime alive.
    port.unref?.();
    this.#place.opened(worker, true);
    this.#place.tell({ type: "fence", to: worker, number: 0 });
  }

  /** Whether there is a direct link to a worker. */
  has(worker: number): boolean {
    return this.#links.has(worker);
  }

  /** Sends to a worker, at the end of the turn. There must be a link to it. */
  send(worker: number, message: DirectMessage): void {
    this.#add(worker, this.#links.get(worker)!, message);
  }

  /** Orders later messages after everything sent to the node so far. */
  raiseFences(): void {
    for (const [worker, link] of this.#links) {
      if (link.fenced) continue;
      const packed = this.#place.packed(worker);
      if (packed) link.outgoing.push(packed);
      link.fenced = true;
    }
  }

  /** Adds what the VM has packed, then a message, both behind a fence if one is due. */
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

  /** Sends the fences that are due before what the VM has packed: call this before posting to the node. */
  pack(): void {
    for (const [worker, link] of this.#links) if (link.fenced) this.#add(worker, link);
  }

  /** Posts the batches. Messages to the node of the same turn must have been posted. */
  flush(): void {
    for (const [worker, link] of this.#links) {
      const data = this.#batch(worker, link);
      if (data === undefined) continue;
      link.port.postMessage(data, typeof data === "string" ? [] : [data.buffer]);
      if (link.underWay > mostUnderWay && !link.congested) {
        link.congested = true;
        this.#place.congested(worker, true);
      }
    }
  }

  /** What there is for a worker, messages or credit; undefined: nothing. */
  #batch(worker: number, link: Link): LinkData | undefined {
    const { taken } = link;
    if (link.outgoing.length > 0) this.#add(worker, link);
    else {
      const data = this.#place.posted(worker, { version: this.#version, taken });
      if (data !== undefined) {
        link.taken = 0;
        link.underWay += data.length;
        return data;
      }
      if (taken < creditAfter) return undefined;
    }
    const bytes = toLink(this.#version, taken, link.outgoing);
    link.taken = 0;
    if (link.outgoing.length > 0) {
      link.underWay += bytes.length;
      link.outgoing = [];
    }
    return bytes;
  }

  /** Handles a fence of a worker that came through the node. */
  passed(worker: number, fence: number): void {
    const link = this.#links.get(worker);
    if (!link) return;
    link.passed = fence;
    this.#process(worker, link);
  }

  /** Handles a new version of the application from the node. */
  reached(version: number): void {
    this.#version = version;
    for (const [worker, link] of this.#links) this.#process(worker, link);
  }

  /** Handles the death of a worker: processes what it had sent, then closes the link. */
  close(worker: number): void {
    const link = this.#links.get(worker);
    if (!link) return;
    // The node has handled all messages of the worker.
    link.passed = Infinity;
    for (const data of drained(link.port)) this.#arrived(worker, link, data);
    this.#process(worker, link);
    this.#links.delete(worker);
    // What is packed for it is lost, as all that is on its way there.
    this.#place.packed(worker);
    this.#place.opened(worker, false);
    link.port.close();
  }

  /** Closes all. */
  closeAll(): void {
    for (const { port } of this.#links.values()) port.close();
    this.#links.clear();
  }

  #arrived(worker: number, link: Link, data: LinkData): void {
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
    const ready: (DirectMessage | Parcel)[] = [];
    for (let batch = link.held[0]; batch; batch = link.held[0]) {
      if (link.awaited > link.passed || batch.version > this.#version) break;
      const at = batch.items.findIndex((item) => typeof item === "number");
      if (at >= 0) {
        const [fence, ...before] = batch.items.splice(0, at + 1).reverse();
        ready.push(...before.reverse() as (DirectMessage | Parcel)[]);
        link.awaited = fence as number;
        continue;
      }
      ready.push(...batch.items as (DirectMessage | Parcel)[]);
      link.held.shift();
      link.taken += batch.bytes;
    }
    if (ready.length > 0) this.#place.deliver(worker, ready);
  }
}

/** The messages that wait in a port. */
function drained(port: LinkPort): LinkData[] {
  if (port.drain) return port.drain();
  const found: LinkData[] = [];
  const { receiveMessageOnPort } = threads();
  for (;;) {
    const received = receiveMessageOnPort(port as never) as { message: LinkData } | undefined;
    if (!received) return found;
    found.push(received.message);
  }
}
