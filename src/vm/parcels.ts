import type { LuaExports } from "./exports.ts";
import type { Heap } from "./heap.ts";
import type { Reader } from "./read.ts";

/** Places in the block of natives/across.as.ts, and bytes of what it has for each worker. */
const block = { links: 0, ends: 8, metatable: 16, limits: 20, parcels: 32, parcel: 12 } as const;
/** Bytes of a worker's block before its first message. */
const HEAD = 12;
/** Bytes up to which a block is kept for the next messages, and a parcel is a text. */
const MOST_KEPT = 65_536;
/** Bytes behind what is unpacked that may be read. */
const SLACK = 8;

/**
 * Messages that one VM has packed for units of another: of each, the number of its bytes, and the packed list of PID,
 * topic, sender, 1 and the value. Text with a character for each byte, which goes to another thread in half the time
 * that a buffer takes, or bytes.
 */
export class Parcel {
  /** @param first where the first message begins */
  constructor(readonly data: string | Uint8Array, readonly first: number) {}

  /** Number of bytes of the messages. */
  get length(): number {
    return this.data.length - this.first;
  }

  /** The messages as bytes. */
  get bytes(): Uint8Array {
    const { data, first } = this;
    return typeof data === "string"
      ? Buffer.from(data, "latin1").subarray(first)
      : data.subarray(first);
  }
}

/** The header of a parcel that is posted as it is. */
export interface ParcelHeader {
  version: number;
  taken: number;
}

/** The header of what {@link Parcels.post} has made, and its parcel; undefined where it is something else. */
export function openParcel(
  data: string | Uint8Array,
): ParcelHeader & { parcel: Parcel } | undefined {
  if (typeof data === "string") {
    return { version: word(data, 4), taken: word(data, 8), parcel: new Parcel(data, HEAD) };
  }
  if (data[0] !== 0) return undefined;
  const view = new DataView(data.buffer, data.byteOffset);
  const [version, taken] = [view.getUint32(4, true), view.getUint32(8, true)];
  return { version, taken, parcel: new Parcel(data, HEAD) };
}

function word(text: string, at: number): number {
  return (text.charCodeAt(at) | text.charCodeAt(at + 1) << 8 | text.charCodeAt(at + 2) << 16 |
    text.charCodeAt(at + 3) << 24) >>> 0;
}

/** What the natives of a VM pack for units of other workers, and take of theirs: natives/across.as.ts. */
export class Parcels {
  /** Address of the block that says where everything is; 0: nobody has asked for it, or there is no memory. */
  #mail = 0;
  /** Where arrived messages are put, and how many bytes there are. */
  #room = 0;
  #size = 0;

  /** @param reader has the limits of what crosses */
  constructor(readonly lua: LuaExports, readonly heap: Heap, readonly reader: Reader) {}

  /** Lets natives send to a worker, or no longer: what they have packed for it must have been taken. */
  open(worker: number, on: boolean): void {
    if (this.#mail === 0) this.#mail = this.lua.mail_block();
    if (this.#mail === 0) return;
    const { u32 } = this.heap;
    const { depth, nodes, bytes } = this.reader.limits;
    u32.set([this.reader.errorMetatable, depth, nodes, bytes], (this.#mail + block.metatable) >> 2);
    const at = (this.#mail + block.links >> 2) + (worker >> 5);
    u32[at] = on ? u32[at]! | 1 << (worker & 31) : u32[at]! & ~(1 << (worker & 31));
  }

  /** For the beginning of each turn: a number that changes whenever units of other workers have ended. */
  renew(ends: number): void {
    if (this.#mail !== 0) this.heap.u32[this.#mail + block.ends >> 2] = ends;
  }

  /** What was packed for a worker since the last time; undefined: nothing. */
  take(worker: number): Parcel | undefined {
    const data = this.#take(worker, undefined);
    return data === undefined ? undefined : new Parcel(data, HEAD);
  }

  /** The same with a header, as what {@link openParcel} takes. */
  post(worker: number, header: ParcelHeader): string | Uint8Array<ArrayBuffer> | undefined {
    return this.#take(worker, header);
  }

  #take(
    worker: number,
    header: ParcelHeader | undefined,
  ): string | Uint8Array<ArrayBuffer> | undefined {
    if (this.#mail === 0) return undefined;
    const { u8, u32, buffer } = this.heap;
    const at = this.#mail + block.parcels + worker * block.parcel >> 2;
    const [start, used] = [u32[at]!, u32[at + 1]!];
    if (used <= HEAD) return undefined;
    u32[at + 1] = HEAD;
    const head = start >> 2;
    u32[head] = 0;
    u32[head + 1] = header?.version ?? 0;
    u32[head + 2] = header?.taken ?? 0;
    if (used <= MOST_KEPT) return buffer.latin1Slice(start, start + used);
    const bytes = u8.slice(start, start + used) as Uint8Array<ArrayBuffer>;
    u32.fill(0, at, at + 3);
    this.lua.free(start);
    return bytes;
  }

  /** Puts arrived messages into the VM's memory. Returns the address of the first; 0: there is not enough memory. */
  place({ data, first, length }: Parcel): number {
    if (data.length + SLACK > this.#size) {
      this.lua.free(this.#room);
      this.#size = Math.max(data.length + SLACK, 4096);
      this.#room = this.lua.malloc(this.#size);
      if (this.#room === 0 && this.lua.spend_memory_reserve() !== 0) {
        this.#room = this.lua.malloc(this.#size);
      }
      if (this.#room === 0) this.#size = 0;
    }
    const { u8, buffer } = this.heap;
    if (this.#room === 0) return 0;
    if (typeof data === "string") buffer.write(data, this.#room, data.length, "latin1");
    else u8.set(data, this.#room);
    return length > 0 ? this.#room + first : 0;
  }

  /** The bytes of the message at an address, in memory of their own. */
  message(address: number): Uint8Array {
    const view = new DataView(this.heap.u8.buffer);
    return this.heap.u8.slice(address + 4, address + 4 + view.getUint32(address, true));
  }

  /** To be called when the messages that were put there have been delivered. */
  done(): void {
    if (this.#size <= MOST_KEPT) return;
    this.lua.free(this.#room);
    [this.#room, this.#size] = [0, 0];
  }
}
