/**
 * What SQLite has to make of a write-ahead log whose tail is cut off or damaged: what was committed before the damage.
 * @module
 */
import { Database } from "bun:sqlite";
import {
  copyFileSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { checkJournal } from "../../src/workflows/providers/sqlite/offline/check.ts";
import { openDatabase } from "../../src/workflows/providers/sqlite/store/open.ts";

const headerSize = 32;
const frameHeaderSize = 24;
/** Bytes behind the last commit that are cut off or changed too. */
const spaceTried = 64 * 1024;

/** Ends of the committed transactions in a log, in bytes from its beginning; 0 stands for none of them. */
export function commitsOf(log: Buffer): number[] {
  const ends = [0];
  if (log.length < headerSize) return ends;
  const little = log.readUInt32BE(0) === 0x377f0682;
  let [first, second] = [0, 0];
  const sum = (from: number, to: number) => {
    for (let at = from; at < to; at += 8) {
      const [a, b] = little
        ? [log.readUInt32LE(at), log.readUInt32LE(at + 4)]
        : [log.readUInt32BE(at), log.readUInt32BE(at + 4)];
      first = (first + a + second) >>> 0;
      second = (second + b + first) >>> 0;
    }
  };
  const holds = (at: number) =>
    log.readUInt32BE(at) === first && log.readUInt32BE(at + 4) === second;
  sum(0, 24);
  if (!holds(24)) return ends;
  const size = frameHeaderSize + log.readUInt32BE(8);
  for (let at = headerSize; at + size <= log.length; at += size) {
    // Of an earlier use of the file.
    if (log.compare(log, 16, 24, at + 8, at + 16) !== 0) break;
    sum(at, at + 8);
    sum(at + frameHeaderSize, at + size);
    if (!holds(at + 16)) break;
    if (log.readUInt32BE(at + 4) > 0) ends.push(at + size);
  }
  return ends;
}

/**
 * The byte behind the last frame of a log that is in the database file already, where a checkpoint was not the log's
 * end: SQLite syncs the log before it copies, so that no power cut takes back what was copied. 0: there is none.
 */
function copiedOf(log: Buffer, database: Buffer): number {
  const frames = new Map<number, number[]>();
  const size = log.readUInt32BE(8);
  const whole = frameHeaderSize + size;
  for (let at = headerSize; at + whole <= log.length; at += whole) {
    if (log.compare(log, 16, 24, at + 8, at + 16) !== 0) break;
    const page = log.readUInt32BE(at);
    frames.set(page, [...frames.get(page) ?? [], at]);
  }
  let copied = 0;
  for (const [page, places] of frames) {
    const held = database.subarray((page - 1) * size, page * size);
    // The first of equal ones: of what the others hold nothing can be told apart.
    const at = places.find((place) =>
      held.length > 0 && log.subarray(place + frameHeaderSize, place + whole).equals(held)
    );
    if (at !== undefined) copied = Math.max(copied, at + whole);
  }
  return copied;
}

/** What a journal holds, in short; opening it is what a start does. */
function contents(path: string): string {
  openDatabase(path).close();
  const { faults } = checkJournal(path);
  const database = new Database(path, { readonly: true });
  database.run("PRAGMA busy_timeout = 5000");
  const row = database.query(
    `SELECT count(*) AS events, max(position) AS last, (SELECT sum(next_event + lease) FROM runs) AS steps,
       (SELECT count(*) FROM timers) AS timers, (SELECT sum(attempt) FROM activities) AS attempts FROM events`,
  ).get();
  database.close();
  return JSON.stringify({ row, faults });
}

/**
 * Opens copies of a journal that a killed runtime left, with logs that are cut off, and damaged, at places of `random`.
 *
 * @returns what is wrong: none of it when each holds exactly what was committed before the damage
 */
export function tornLogFaults(journal: string, random: () => number): string[] {
  const log = `${journal}-wal`;
  if (!existsSync(log)) return [];
  const bytes = readFileSync(log);
  if (bytes.length < headerSize) return [];
  const copied = copiedOf(bytes, readFileSync(journal));
  const ends = commitsOf(bytes).filter((end) => end >= copied);
  const [first] = ends;
  if (first === undefined || ends.length < 2) return [];
  const folder = mkdtempSync(join(tmpdir(), "wippy-torn-"));
  let copies = 0;
  const opened = (change: (path: string) => void) => {
    const path = join(folder, `${++copies}.db`);
    copyFileSync(journal, path);
    writeFileSync(`${path}-wal`, bytes);
    change(`${path}-wal`);
    return contents(path);
  };
  // A log that nothing was copied from may be cut off before its first commit too.
  const least = copied === 0 ? 0 : first;
  const before = (place: number) => ends.findLast((end) => end <= place) ?? least;
  try {
    const faults: string[] = [];
    // Most of what is behind the last commit is space.
    const end = Math.min(bytes.length, ends.at(-1)! + spaceTried);
    const place = least + Math.floor(random() * (end - least));
    const whole = opened((path) => truncateSync(path, before(place)));
    const cut = opened((path) => truncateSync(path, place));
    const damaged = opened((path) => {
      const other = Buffer.from(bytes);
      other[place] = other[place]! ^ 0xff;
      writeFileSync(path, other);
    });
    const fault = (what: string, found: string) =>
      faults.push(`a log ${what} at byte ${place} of ${bytes.length}: ${found}, not ${whole}`);
    if (cut !== whole) fault("that is cut off", cut);
    // Bytes after the last commit are nobody's.
    if (place < ends.at(-1)! && damaged !== whole) fault("that is damaged", damaged);
    if (!whole.endsWith('"faults":[]}')) faults.push(whole);
    return faults;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
