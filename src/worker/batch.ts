/**
 * A batch of messages between threads as one buffer: a structured clone of many small objects takes several times
 * as long as packing them and moving the bytes.
 * @module
 */
import { Packr } from "msgpackr/pack";
import { Unpackr } from "msgpackr/unpack";
import type { FromWorker, ToWorker } from "./messages.ts";

type Message = FromWorker | ToWorker;

const packr = new Packr({ useRecords: false });
const unpackr = new Unpackr({ useRecords: false });

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

/** Posts a batch to another thread: as bytes that move there when it holds only requests and answers. */
export function postBatch(
  batch: Message[],
  post: (data: Uint8Array | Message[], transfer: (ArrayBuffer | MessagePort)[]) => void,
): void {
  const items: Item[] = [];
  for (const message of batch) {
    const item = itemOf(message);
    if (!item) {
      // The port of a thread's queue moves to the thread.
      const moved = batch.flatMap((each) => each.type === "queue" ? each.port as MessagePort : []);
      post(batch, moved);
      return;
    }
    items.push(item);
  }
  const bytes = new Uint8Array(packr.pack(items));
  post(bytes, [bytes.buffer]);
}

/** What a worker gets from the node. */
export function toWorker(data: Uint8Array | ToWorker[]): ToWorker[] {
  if (Array.isArray(data)) return data;
  return (unpackr.unpack(data) as Item[]).map(([origin, ticket, bytes, op]) =>
    op === undefined
      ? { type: "answer", ticket, values: bytes }
      : { type: "request", origin, ticket, op, args: bytes }
  );
}

/** What the node gets from a worker. */
export function fromWorker(data: Uint8Array | FromWorker[]): FromWorker[] {
  if (Array.isArray(data)) return data;
  return (unpackr.unpack(data) as Item[]).map(([to, ticket, bytes, op]) =>
    op === undefined
      ? { type: "answer", to, ticket, values: bytes }
      : { type: "request", to, ticket, op, args: bytes }
  );
}
