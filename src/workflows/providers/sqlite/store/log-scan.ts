import { closeSync, fstatSync, openSync, readSync } from "node:fs";

/** What stands in the write-ahead log of a journal, as SQLite would read it, and beyond. */
export interface LogScan {
  /** Commits that SQLite would not see, because what comes before them is damaged. */
  lost: number;
  /** In words, when commits are lost. */
  damage?: string;
}

const headerSize = 32;
const frameHeaderSize = 24;
/** The first word of a log; the last bit says in which order the bytes of checksums are summed. */
const magic = 0x377f0682;

/**
 * Looks through a write-ahead log for commits behind damage. SQLite reads a log up to the first frame whose
 * checksum does not fit and takes the rest for what a crash has left: so one bit that flips in the middle
 * would drop everything after it without a word.
 *
 * A crash in the middle of a commit leaves at most the frames of one commit, which nobody was told of, as
 * each is synced before the next begins. So it counts as damage only when two or more commits follow.
 *
 * @param path of the log
 */
export function scanLog(path: string): LogScan {
  let file: number;
  try {
    file = openSync(path, "r");
  } catch {
    return { lost: 0 };
  }
  try {
    for (;;) {
      const bytes = readAll(file);
      const before = bytes.subarray(0, headerSize);
      const found = scan(bytes);
      // A writer may have begun the log again meanwhile: then its frames are of two rounds.
      if (found.lost === 0 || before.equals(readAll(file, headerSize))) return found;
    }
  } finally {
    closeSync(file);
  }
}

function readAll(file: number, most = Infinity): Buffer {
  const bytes = Buffer.alloc(Math.min(most, fstatSync(file).size));
  const read = readSync(file, bytes, 0, bytes.length, 0);
  return bytes.subarray(0, read);
}

function scan(bytes: Buffer): LogScan {
  if (bytes.length < headerSize + frameHeaderSize) return { lost: 0 };
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const isLittle = (view.getUint32(0) & 1) === 0;
  const pageSize = view.getUint32(8);
  const sums = summed(view, 0, 24, isLittle, [0, 0]);
  const sound = (view.getUint32(0) & ~1) >>> 0 === magic &&
    sums[0] === view.getUint32(24) && sums[1] === view.getUint32(28);
  const size = frameHeaderSize + (isPageSize(pageSize) ? pageSize : 4096);
  // Its header is synced before the first frame is written.
  const salts = sound ? bytes.subarray(16, 24) : bytes.subarray(headerSize + 8, headerSize + 16);
  let [intact, lost] = [sound, 0];
  let damaged = 0;
  for (let at = headerSize, frame = 1; at + size <= bytes.length; at += size, frame++) {
    if (!bytes.subarray(at + 8, at + 16).equals(salts)) break;
    if (intact) {
      const next = summed(view, at, 8, isLittle, sums);
      summed(view, at + frameHeaderSize, size - frameHeaderSize, isLittle, next);
      intact = next[0] === view.getUint32(at + 16) && next[1] === view.getUint32(at + 20);
      if (intact) [sums[0], sums[1]] = next;
      else damaged = frame;
    }
    if (!intact && view.getUint32(at + 4) > 0) lost++;
  }
  if (!sound) {
    return lost === 0 ? { lost } : { lost, damage: `the header of its log is damaged` };
  }
  return lost < 2 ? { lost: 0 } : { lost, damage: `frame ${damaged} of its log is damaged` };
}

function isPageSize(size: number): boolean {
  return size >= 512 && size <= 65_536 && (size & (size - 1)) === 0;
}

type Sums = [number, number];

/** SQLite's checksum of a part of the log, going on from `sums`; changes and returns a copy of them. */
function summed(view: DataView, at: number, length: number, isLittle: boolean, sums: Sums): Sums {
  let [one, two] = sums;
  for (let i = at; i < at + length; i += 8) {
    one = (one + view.getUint32(i, isLittle) + two) >>> 0;
    two = (two + view.getUint32(i + 4, isLittle) + one) >>> 0;
  }
  const result = sums as Sums;
  return [result[0], result[1]] = [one, two], result;
}
