import type { Database, Statement } from "bun:sqlite";
import {
  chmodSync,
  closeSync,
  constants,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  writeSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { WippyError } from "../../../../vm/error.ts";
import { lockJournal } from "./lock.ts";
import { scanLog } from "./log-scan.ts";
import { NamedFiles } from "./named-files.ts";
import { storageError } from "./open.ts";

/** The journal is not this runtime's any more: nothing that is written would be kept, or be the only truth. */
export class JournalLost extends WippyError {}

/** What stands beside a journal about it: what it had at least, at a time. */
interface Mark {
  /** Its id. */
  journal: string;
  commits: number;
  /** Milliseconds since 1970. */
  time: number;
}

/** The mark is written at most this often, in milliseconds, or after so many commits. */
const markInterval = 250;
const markCommits = 200;
/** The mark's file is always this long, so that writing it over the old one leaves nothing of that. */
const markLength = 256;

function markOf(path: string): string {
  return `${path}.state`;
}

function readMark(path: string): Mark | undefined {
  try {
    const read: unknown = JSON.parse(readFileSync(markOf(path), "utf8"));
    if (typeof read !== "object" || read === null) return undefined;
    const { journal, commits, time } = read as Partial<Mark>;
    if (typeof journal !== "string" || typeof commits !== "number" || typeof time !== "number") {
      return undefined;
    }
    return { journal, commits, time };
  } catch {
    // There is none, or it was cut off: it says nothing then.
    return undefined;
  }
}

function refusal(kind: string, path: string, message: string): WippyError {
  return new WippyError(kind, message, { retryable: false, details: { path } });
}

/** The one name of a file, whatever links lead to it; its own folder is made if it is missing. */
function realPath(path: string): string {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  try {
    return realpathSync(path);
  } catch {
    return join(realpathSync(dirname(path)), basename(path));
  }
}

/**
 * Takes the rights to a file from other users; makes an empty one if `create`.
 *
 * @throws WippyError PermissionDenied when it is another user's
 */
function keepPrivate(path: string, create: boolean): void {
  if (create && !statSync(path, { throwIfNoEntry: false })) {
    const { O_CREAT, O_EXCL, O_NOFOLLOW, O_RDWR } = constants;
    // SQLite gives the files beside it the same rights.
    closeSync(openSync(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600));
  }
  const found = statSync(path, { throwIfNoEntry: false });
  if (!found) return;
  const own = process.geteuid?.() ?? found.uid;
  if (found.uid !== own) {
    throw refusal(
      "PermissionDenied",
      path,
      `${path} belongs to another user (uid ${found.uid}); hint: chown ${own} ${path}`,
    );
  }
  if ((found.mode & 0o077) !== 0) chmodSync(path, 0o600);
}

/** What a journal has that says nothing of itself yet. */
export const nothing = { journal: "", commits: 0 };

/**
 * Returns what tells that a journal has lost something that it had, judged by its files alone; undefined when
 * nothing does.
 *
 * @param commits what it has, when it could be read
 */
export function lossOf(path: string, commits?: { journal: string; commits: number }) {
  const mark = readMark(path);
  const size = statSync(path, { throwIfNoEntry: false })?.size;
  if (size === undefined) return undefined;
  const had = mark && `it had ${mark.commits} commits at ${new Date(mark.time).toISOString()}`;
  if (size === 0 && mark && mark.commits > 0) return `it is empty, but ${had}`;
  const { lost, damage } = scanLog(`${path}-wal`);
  if (damage !== undefined) return `${damage}, and ${lost} commits behind it cannot be read`;
  const isOf = (journal: string) => journal === "" || journal === mark?.journal;
  if (commits && mark && isOf(commits.journal) && commits.commits < mark.commits) {
    return `it has ${commits.commits} commits, but ${had}; its write-ahead log (${
      basename(path)
    }-wal) is missing or was cut off, or an older copy took its place`;
  }
  return undefined;
}

/** Returns a fault of how a journal's file is kept; undefined when there is none. */
export function linkFault(path: string): string | undefined {
  const links = statSync(path, { throwIfNoEntry: false })?.nlink ?? 1;
  return links > 1
    ? `it has ${links} names (hard links), so that two runtimes could open it at once`
    : undefined;
}

function refuseLoss(path: string, loss: string): WippyError {
  return refusal(
    "Invalid",
    path,
    `The journal ${path} has lost runs: ${loss}. Nothing was changed. hint: restore the journal from a ` +
      `copy, or keep what is left; in both cases remove ${markOf(path)}` +
      (loss.includes("its log is") ? ` and ${path}-wal` : ""),
  );
}

/** What a runtime has of a journal that it may write to. */
export type Hold = Pick<
  Ownership,
  "path" | "hasFiles" | "begin" | "check" | "count" | "counted" | "release"
>;

/**
 * A runtime's hold of a journal. The lock is on the file that all names lead to; and as a lock can be removed
 * together with its file, each owner also raises an epoch in the journal, which every commit compares.
 */
export class Ownership {
  readonly path: string;
  readonly #unlock: () => void;
  #id = "";
  #epoch = 0;
  #commits = 0;
  #read: Statement<{ epoch: number }, []> | undefined;
  #write: Statement | undefined;
  #files: NamedFiles | undefined;
  #mark: number | undefined;
  #marked = { commits: -Infinity, time: -Infinity };
  #marks = false;

  private constructor(path: string, unlock: () => void) {
    this.path = path;
    this.#unlock = unlock;
  }

  /**
   * Locks a journal, which need not be there yet.
   *
   * @throws WippyError Conflict when another runtime has it; Invalid when it has lost what it had, or has
   * several names; PermissionDenied when it is another user's
   */
  static take(given: string): Ownership {
    let unlock: (() => void) | undefined;
    try {
      const path = realPath(given);
      const fault = linkFault(path);
      if (fault) {
        throw refusal("Invalid", path, `The journal ${path} cannot be used: ${fault}; remove one`);
      }
      unlock = lockJournal(path);
      // One that was moved away as a whole is begun again; what is beside it says nothing of the new one.
      if (!existsSync(path)) {
        if ((statSync(`${path}-wal`, { throwIfNoEntry: false })?.size ?? 0) > 0) {
          throw refuseLoss(path, "it is missing, but its log is there");
        }
        rmSync(markOf(path), { force: true });
      }
      keepPrivate(path, true);
      for (const end of ["-wal", "-shm", ".lock", ".state"]) keepPrivate(path + end, false);
      const loss = lossOf(path);
      if (loss) throw refuseLoss(path, loss);
      return new Ownership(path, unlock);
    } catch (error) {
      unlock?.();
      throw error instanceof WippyError ? error : storageError(error, given);
    }
  }

  /** Begins an epoch in the open journal. @throws WippyError Invalid when it has lost commits */
  begin(database: Database, newId: string): void {
    const known = database.query<{ journal: string; epoch: number; commits: number }, []>(
      "SELECT journal, epoch, commits FROM owner",
    ).get();
    const loss = lossOf(this.path, known ?? nothing);
    if (loss) throw refuseLoss(this.path, loss);
    const row = known ?? { journal: newId, epoch: 0, commits: 0 };
    if (!known) {
      database.run("INSERT INTO owner (id, journal, epoch, commits) VALUES (1, ?, 0, 0)", [newId]);
    }
    this.#id = row.journal;
    this.#epoch = row.epoch + 1;
    this.#commits = row.commits;
    database.run("UPDATE owner SET epoch = ?", [this.#epoch]);
    this.#read = database.prepare("SELECT epoch FROM owner");
    this.#write = database.prepare("UPDATE owner SET commits = ?");
    this.#files = new NamedFiles([this.path, `${this.path}-wal`]);
    const { O_CREAT, O_NOFOLLOW, O_RDWR } = constants;
    this.#mark = openSync(markOf(this.path), O_RDWR | O_CREAT | O_NOFOLLOW, 0o600);
  }

  /** Whether the files that are open still have their names. */
  get hasFiles(): boolean {
    return this.#files?.present ?? false;
  }

  /**
   * In a transaction: makes sure that it is this runtime's journal.
   *
   * @param now milliseconds since 1970
   * @throws JournalLost
   */
  check(now: number): void {
    if (!this.#files?.stillPresent(now)) {
      throw new JournalLost(
        "Unavailable",
        `The journal ${this.path}, or its write-ahead log, was removed or replaced while the runtime ` +
          "uses it: nothing more is recorded; hint: restart the runtime",
        { retryable: false, details: { path: this.path } },
      );
    }
    if (this.#read?.get()?.epoch === this.#epoch) return;
    throw new JournalLost(
      "Conflict",
      `The journal ${this.path} was taken over by another runtime: this one records nothing more; ` +
        "hint: stop one of the two",
      { retryable: false, details: { path: this.path } },
    );
  }

  /** At the end of a transaction: now and then its number is written into the journal. */
  count(now: number): void {
    this.#commits++;
    const { commits, time } = this.#marked;
    this.#marks = this.#commits - commits >= markCommits || Math.abs(now - time) >= markInterval;
    if (this.#marks) this.#write?.run(this.#commits);
  }

  /** After a commit: what was written into the journal is also written beside it. */
  counted(now: number): void {
    if (!this.#marks || this.#mark === undefined) return;
    this.#marked = { commits: this.#commits, time: now };
    const mark: Mark = { journal: this.#id, commits: this.#commits, time: now };
    writeSync(this.#mark, `${JSON.stringify(mark).padEnd(markLength - 1)}\n`, 0);
  }

  /** Lets go of the journal. */
  release(): void {
    if (this.#mark !== undefined) closeSync(this.#mark);
    this.#mark = undefined;
    this.#read?.finalize();
    this.#write?.finalize();
    this.#unlock();
  }
}
