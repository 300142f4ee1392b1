/**
 * A batch of messages between threads as one buffer: a structured clone of many small objects takes several times
 * as long as packing them and moving the bytes.
 * @module
 */
import { packFlat, unpackFlat } from "../vm/codec.ts";
import { openParcel, Parcel } from "../vm/parcels.ts";
import type { FromWorker, ToWorker } from "./messages.ts";

type Message = FromWorker | ToWorker;

/** A request is [other, ticket, args, op], an answer [other, ticket, values]. */
type Item = [number, number, Uint8Array] | [number, number, Uint8Array, string];

/** The message without field names; undefined for one that is rare and is cloned as it is. */
function itemOf(message: Message): Item | undefined {
  if (message.type === "request") {
    const other = "to" in message ? message.to : message.origin;
    return [other, message.ticket, message.args, message.op];
  }
  if (message.type === "answer") {
    return ["to" in message ? message.to : 0, message.ticket, message.values];
  }
  return undefined;
}

function portsOf(message: Message): MessagePort[] {
  if (message.type === "queue" || message.type === "link") return [message.port as MessagePort];
  if (message.type !== "part" || !("order" in message) || !("open" in message.order)) return [];
  return (message.order.ports ?? []) as MessagePort[];
}

/** Posts a batch to another thread: as bytes that move there when it holds only requests and answers. */
export function postBatch(
  batch: Message[],
  post: (data: Uint8Array | Message[], transfer: (ArrayBuffer | MessagePort)[]) => void,
): void {
  const items: Item[] = [];
  for (const message of batch) {
    const item = itemOf(message);
    if (!item) {
      // Ports move to the thread.
      const moved = batch.flatMap(portsOf);
      post(batch, moved);
      return;
    }
    items.push(item);
  }
  const bytes = packFlat(items);
  post(bytes, [bytes.buffer]);
}

/** What a worker gets from the node. */
export function toWorker(data: Uint8Array | ToWorker[]): ToWorker[] {
  if (Array.isArray(data)) return data;
  return (unpackFlat(data) as Item[]).map(([origin, ticket, bytes, op]) =>
    op === undefined
      ? { type: "answer", ticket, values: bytes }
      : { type: "request", origin, ticket, op, args: bytes }
  );
}

/** What the node gets from a worker. */
export function fromWorker(data: Uint8Array | FromWorker[]): FromWorker[] {
  if (Array.isArray(data)) return data;
  return (unpackFlat(data) as Item[]).map(([to, ticket, bytes, op]) =>
    op === undefined
      ? { type: "answer", to, ticket, values: bytes }
      : { type: "request", to, ticket, op, args: bytes }
  );
}

/** What goes directly to another worker: a request or an answer. */
export type DirectMessage = Extract<FromWorker, { type: "request" | "answer" }>;

/** Part of a batch between workers: a message, messages that the VM has packed, or the number of a fence. */
export type LinkItem = DirectMessage | Parcel | number;

/** What goes over a link: messages that the VM has packed and nothing else, see `Parcels.post`, or {@link toLink}. */
export type LinkData = string | Uint8Array<ArrayBuffer>;

/**
 * Packs a batch for another worker.
 *
 * @param version of the application that the sender knows
 * @param taken bytes of the receiver's batches that were processed since the last batch
 */
export function toLink(
  version: number,
  taken: number,
  items: readonly LinkItem[],
): Uint8Array<ArrayBuffer> {
  const list = items.map((item) => {
    if (typeof item === "number") return item;
    if (item instanceof Parcel) return item.bytes;
    if (item.type === "answer") return [item.ticket, item.values];
    return [item.ticket, item.args, item.op];
  });
  return packFlat([version, taken, ...list]);
}

/** Unpacks it; the receiver of its messages is this worker. */
export function fromLink(data: LinkData): { version: number; taken: number; items: LinkItem[] } {
  type Direct = [number, Uint8Array] | [number, Uint8Array, string];
  const opened = openParcel(data);
  if (opened) return { ...opened, items: [opened.parcel] };
  const [version, taken, ...list] = unpackFlat(data as Uint8Array) as [
    number,
    number,
    ...(Direct | number | Uint8Array)[],
  ];
  const items = list.map((item): LinkItem => {
    if (typeof item === "number") return item;
    if (item instanceof Uint8Array) return new Parcel(item, 0);
    const [ticket, bytes, op] = item;
    return op === undefined
      ? { type: "answer", to: 0, ticket, values: bytes }
      : { type: "request", to: 0, ticket, op, args: bytes };
  });
  return { version, taken, items };
}
