import { setImmediate } from "node:timers/promises";
import { dictionaryOf, leastContent, overhead } from "./dictionary.ts";

/** Bytes that are looked at together; what samples have in common is made of such. */
const gram = 8;
/** Bytes of a segment, which is taken into the dictionary whole. */
const segmentSize = 200;
/** How often the samples are gone through, about. */
const passes = 4;
/** Bytes of samples that are used at most, also for each byte of the dictionary: more make it hardly better. */
const [mostBytes, mostPerByte] = [16 << 20, 128];
/** Slots by which grams are counted; two that share one are taken for the same. */
const slots = 1 << 20;
/** Nothing more is found after so many parts of the samples without anything new. */
const fruitless = 10;
/** Milliseconds after which others have the thread, and positions after which that is looked at. */
const [slice, stretch] = [5, 1 << 16];

/** What a trained dictionary is to be. */
export interface Training {
  /** Bytes at most. */
  size: number;
  /** Identifier; 0: one made of the content. */
  id: number;
}

interface Segment {
  begin: number;
  end: number;
  score: number;
}

/** Lets others have the thread now and then. */
class Turns {
  #since = performance.now();

  /** Fulfilled at once, unless others are due. */
  async next(): Promise<void> {
    if (performance.now() - this.#since < slice) return;
    await setImmediate();
    this.#since = performance.now();
  }
}

/** The samples in one piece, and for each position the slot of the gram that begins there; 0: it has none. */
class Grams {
  readonly bytes: Uint8Array;
  readonly slot: Uint32Array;
  /** How often the grams of a slot occur; 0 once they are in the dictionary. */
  readonly count = new Uint32Array(slots);
  /** The same, within the window that is looked at. */
  readonly #within = new Uint16Array(slots);

  private constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.slot = new Uint32Array(bytes.length);
  }

  /** @param most bytes of the samples that are used */
  static async of(samples: readonly Uint8Array[], most: number, turns: Turns): Promise<Grams> {
    let length = 0;
    const used = samples.filter(({ length: size }) => {
      if (length > 0 && length + size > most) return false;
      length += Math.min(size, most);
      return true;
    });
    const grams = new Grams(Buffer.concat(used, length));
    let begin = 0;
    for (const { length: size } of used) {
      const end = Math.min(begin + size, length);
      for (let at = begin; at < end; at += stretch) {
        grams.#note(at, Math.min(at + stretch, end - gram + 1));
        await turns.next();
      }
      begin = end;
    }
    return grams;
  }

  /** Counts the grams that begin between two positions. */
  #note(begin: number, end: number): void {
    const view = new DataView(this.bytes.buffer, this.bytes.byteOffset, this.bytes.length);
    for (let at = begin; at < end; at++) {
      const low = Math.imul(view.getUint32(at, true), 0x9e37_79b1);
      const high = Math.imul(view.getUint32(at + 4, true) ^ low >>> 15, 0x85eb_ca77);
      const slot = (low ^ high) >>> 12 || 1;
      this.slot[at] = slot;
      this.count[slot]! += 1;
    }
  }

  /** The segment between two positions whose grams occur most often, each counted once. */
  best(begin: number, end: number): Segment {
    const { slot, count } = this;
    const within = this.#within;
    const grams = segmentSize - gram + 1;
    const best: Segment = { begin, end: begin, score: 0 };
    let from = begin;
    let score = 0;
    for (let at = begin; at < end; at++) {
      const entering = slot[at]!;
      if (within[entering] === 0) score += count[entering]!;
      within[entering]! += 1;
      if (at - from === grams) {
        const leaving = slot[from]!;
        within[leaving]! -= 1;
        if (within[leaving] === 0) score -= count[leaving]!;
        from += 1;
      }
      if (score > best.score) Object.assign(best, { begin: from, end: at + 1, score });
    }
    for (let at = from; at < end; at++) within[slot[at]!] = 0;
    return best;
  }

  /** Takes a segment: its bytes, from the first gram that is new to the last one. */
  take({ begin, end }: Segment): Uint8Array {
    const { slot, count } = this;
    while (count[slot[begin]!] === 0) begin += 1;
    while (count[slot[end - 1]!] === 0) end -= 1;
    for (let at = begin; at < end; at++) count[slot[at]!] = 0;
    return this.bytes.subarray(begin, end - 1 + gram);
  }
}

/**
 * The segments of samples that have most in common with the others, up to so many bytes, the best one last: encoders
 * reach what is near with less. It is the algorithm that Zstandard calls COVER, with a fixed size of segments.
 */
async function contentOf(samples: readonly Uint8Array[], capacity: number): Promise<Uint8Array> {
  const turns = new Turns();
  const grams = await Grams.of(samples, Math.min(mostBytes, mostPerByte * capacity), turns);
  const { length } = grams.bytes;
  const wanted = Math.max(1, Math.floor(capacity / segmentSize / passes));
  const partSize = Math.max(Math.ceil(length / wanted), Math.min(segmentSize * 10, length));
  const segments: Uint8Array[] = [];
  let [free, nothing] = [capacity, 0];
  for (let begin = 0; free > 0 && nothing < Math.ceil(length / partSize) + fruitless;) {
    await turns.next();
    const segment = grams.best(begin, Math.min(begin + partSize, length));
    begin = begin + partSize < length ? begin + partSize : 0;
    if (segment.score === 0) {
      nothing += 1;
      continue;
    }
    nothing = 0;
    const bytes = grams.take(segment).subarray(0, free);
    segments.unshift(bytes);
    free -= bytes.length;
  }
  return Buffer.concat(segments);
}

/**
 * Makes a Zstandard dictionary of samples.
 *
 * @param samples one of them has at least eight bytes
 */
export async function trainDictionary(
  samples: readonly Uint8Array[],
  { size, id }: Training,
): Promise<Uint8Array> {
  const found = await contentOf(samples, size - overhead);
  const content = new Uint8Array(Math.max(found.length, leastContent));
  content.set(found, content.length - found.length);
  return dictionaryOf(id === 0 ? idOf(content) : id, content);
}

/** An identifier from those that nobody else gives out: 32,768 to 2,147,483,647. */
function idOf(content: Uint8Array): number {
  const [first, end] = [32_768n, 1n << 31n];
  return Number(Bun.hash.xxHash64(content) % (end - first) + first);
}
