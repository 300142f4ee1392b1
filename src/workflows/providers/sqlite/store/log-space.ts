import type { Database, Statement } from "bun:sqlite";
import { closeSync, fstatSync, openSync, writeSync } from "node:fs";
import { checkpointPages } from "./open.ts";

/** Bytes of the log before its first page, and of a page of SQLite's usual size with its header. */
const [headerSize, frameSize] = [32, 4_096 + 24];

/** The log begins again from the front about here, so it needs no more space. */
const mostBytes = (checkpointPages + 256) * frameSize;

/** Least and most bytes that are added at once. */
const [leastChunk, mostChunk] = [64 * 1024, 1024 * 1024];

/** Space is short when less than this is left: what the largest commit of a single run takes. */
const reserve = 16 * frameSize;

/** The first SQLite that counts the pages of its log without copying them into the file. */
const countingVersion = [3, 51] as const;

/**
 * Keeps the file of a journal's write-ahead log longer than its contents, by zeros at its end. To sync a file that has
 * grown, the file system also commits its new length, which takes as long again as the data. SQLite reads a log up to
 * the first frame that is not of its present round, so it ignores what follows.
 *
 * How much is left is asked of SQLite: to look at the file would make its next sync slower (`NamedFiles`).
 *
 * The space is for speed only: where it cannot be had, the log grows as it would without.
 */
export class LogSpace {
  readonly #file: number;
  readonly #count: Statement | undefined;
  /** Bytes that were in use when it was asked last. */
  #used = 0;
  /** Length of the file when it was last looked at; -1: not known. */
  #length = -1;

  /**
   * @param database the journal, whose log must exist
   * @param path of the log
   */
  constructor(database: Database, path: string) {
    this.#file = openSync(path, "r+");
    // An earlier SQLite, such as that of macOS, would make a checkpoint of it.
    if (counts(database)) this.#count = database.prepare("PRAGMA wal_checkpoint(NOOP)");
  }

  /** Returns whether `extend` is to be called in the next transaction. Call it outside of one. */
  isShort(): boolean {
    const frames = this.#count?.values()[0]?.[1];
    if (typeof frames !== "number" || frames < 0) return true;
    const used = headerSize + frames * frameSize;
    // Begun again from the front, maybe after it was cut off.
    if (used < this.#used) this.#length = -1;
    this.#used = used;
    return this.#length < mostBytes && used + reserve > this.#length;
  }

  /**
   * Adds space if it is short. Call it in a write transaction: then nobody else writes to the log, or cuts it off.
   */
  extend(): void {
    const length = fstatSync(this.#file).size;
    // Where nobody counts, a file that has grown has been written to its end.
    const used = this.#count ? this.#used : length === this.#length ? 0 : length;
    this.#length = length;
    // An empty log has no header yet.
    if (length === 0 || length >= mostBytes || used + reserve <= length) return;
    const chunk = Math.min(mostChunk, Math.max(leastChunk, length), mostBytes - length);
    try {
      this.#length += writeSync(this.#file, new Uint8Array(chunk), 0, chunk, length);
    } catch {
      // Full or failing disk: what SQLite writes to the log itself shows it.
    }
  }

  close(): void {
    this.#count?.finalize();
    closeSync(this.#file);
  }
}

function counts(database: Database): boolean {
  const { version } = database.query<{ version: string }, []>(
    "SELECT sqlite_version() AS version",
  ).get()!;
  const [major = 0, minor = 0] = version.split(".").map(Number);
  return major > countingVersion[0] || major === countingVersion[0] && minor >= countingVersion[1];
}
