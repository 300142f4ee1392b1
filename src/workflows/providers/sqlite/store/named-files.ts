import { statSync } from "node:fs";
import { dirname } from "node:path";

/** Milliseconds after which a change of a folder has another time than the one before on every file system. */
const coarsestTime = 2_000;

/**
 * Whether files that are open still have their names, so that what is written to them is found again.
 *
 * It looks at the folder, whose time changes with its names, and at the files themselves only when that has changed.
 * That is faster, and it spares the log: on Linux, a file whose times have been read takes a new one at the next
 * write, and then its sync also waits for the journal of the file system, which takes as long again.
 */
export class NamedFiles {
  readonly #paths: readonly string[];
  readonly #inodes: readonly number[];
  readonly #folder: string;
  /** The folder when all files had their names. */
  #settled: { inode: number; time: number } | undefined;

  /** @param paths of files that are there, all in one folder */
  constructor(paths: readonly [string, ...string[]]) {
    this.#paths = paths;
    this.#inodes = paths.map((path) => statSync(path).ino);
    this.#folder = dirname(paths[0]);
  }

  /** Looks at each file. */
  get present(): boolean {
    return this.#paths.every((path, i) =>
      statSync(path, { throwIfNoEntry: false })?.ino === this.#inodes[i]
    );
  }

  /** As `present`, without a look at the files while their folder is as it was. @param now milliseconds since 1970 */
  stillPresent(now: number): boolean {
    const folder = statSync(this.#folder, { throwIfNoEntry: false });
    const settled = this.#settled;
    if (folder && settled && folder.ino === settled.inode && folder.mtimeMs === settled.time) {
      return true;
    }
    const present = this.present;
    // One that has just changed may change again at the same time.
    const isOld = folder !== undefined && Math.abs(now - folder.mtimeMs) > coarsestTime;
    this.#settled = present && isOld ? { inode: folder.ino, time: folder.mtimeMs } : undefined;
    return present;
  }
}
