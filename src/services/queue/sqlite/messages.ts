/**
 * Commands and outcomes between a driver and its thread, packed: a structured clone of many small objects takes several
 * times as long. The two commands of every message omit field names.
 * @module
 */
import { Packr } from "msgpackr/pack";
import { Unpackr } from "msgpackr/unpack";
import type { Command } from "./commands.ts";

const packr = new Packr({ useRecords: false });
const unpackr = new Unpackr({ useRecords: false });

type Publish = Extract<Command, { type: "publish" }>;

type PublishItem = [
  queue: string,
  seq: number,
  id: string,
  headers: Uint8Array,
  body: Uint8Array,
  due: number,
  leased: boolean,
  unique: number | null,
];

/** A publication is a list, an acknowledgement a number, all else as it is. */
type Item = PublishItem | number | Exclude<Command, { type: "publish" | "ack" }>;

function itemOf(command: Command): Item {
  if (command.type === "ack") return command.seq;
  if (command.type !== "publish") return command;
  const { queue, seq, id, headers, body, due, leased, unique = null } = command;
  return [queue, seq, id, headers, body, due, leased, unique];
}

function commandOf(item: Item): Command {
  if (typeof item === "number") return { type: "ack", seq: item };
  if (!Array.isArray(item)) return item;
  const [queue, seq, id, headers, body, due, leased, unique] = item;
  const command: Publish = { type: "publish", queue, seq, id, headers, body, due, leased };
  return unique === null ? command : { ...command, unique };
}

/** Packed commands. */
export function packCommands(commands: readonly Command[]): Uint8Array<ArrayBuffer> {
  return new Uint8Array(packr.pack(commands.map(itemOf)));
}

/** What {@link packCommands} packed. */
export function unpackCommands(bytes: Uint8Array): Command[] {
  return (unpackr.unpack(bytes) as Item[]).map(commandOf);
}

/** Packed outcomes of commands. */
export function packOutcomes(outcomes: readonly unknown[]): Uint8Array<ArrayBuffer> {
  return new Uint8Array(packr.pack(outcomes));
}

/** What {@link packOutcomes} packed; the bytes of messages are parts of the whole. */
export function unpackOutcomes(bytes: Uint8Array): unknown[] {
  return unpackr.unpack(bytes) as unknown[];
}
