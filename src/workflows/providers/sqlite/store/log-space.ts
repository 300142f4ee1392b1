import { closeSync, fstatSync, openSync, writeSync } from "node:fs";
import { checkpointPages } from "./open.ts";

/** Bytes of a page of the log with its header, for pages of SQLite's usual size. */
const frameSize = 4_096 + 24;

/** The log begins again from the front about here, so it needs no more space. */
const mostBytes = (checkpointPages + 256) * frameSize;

/** Least and most bytes that are added at once. */
const [leastChunk, mostChunk] = [64 * 1024, 1024 * 1024];

/**
 * Keeps the file of a journal's write-ahead log longer than its contents, by zeros at its end. To sync a file that has
 * grown, the file system also commits its new length, which takes as long again as the data. SQLite reads a log up to
 * the first frame that is not of its present round, so it ignores what follows.
 *
 * The space is for speed only: where it cannot be had, the log grows as it would without.
 */
export class LogSpace {
  readonly #file: number;
  /** Length of the file when it was last looked at: a longer one has been written to its end. */
  #length = -1;

  /** @param path of the log, which must exist */
  constructor(path: string) {
    this.#file = openSync(path, "r+");
  }

  /**
   * Adds space if what there was is used up. Call it in a write transaction: then nobody else writes to the log, or
   * cuts it off.
   */
  extend(): void {
    const length = fstatSync(this.#file).size;
    if (length === this.#length) return;
    this.#length = length;
    // An empty log has no header yet.
    if (length === 0 || length >= mostBytes) return;
    const chunk = Math.min(mostChunk, Math.max(leastChunk, length), mostBytes - length);
    try {
      this.#length += writeSync(this.#file, new Uint8Array(chunk), 0, chunk, length);
    } catch {
      // Full or failing disk: what SQLite writes to the log itself shows it.
    }
  }

  close(): void {
    closeSync(this.#file);
  }
}
