/**
 * Faults under a running executable: `faults.c` is compiled with the machine's cc and loaded into it; a control file says
 * what fails, and how far the wall clock is ahead.
 * @module
 */
import { closeSync, existsSync, openSync, readFileSync, writeFileSync, writeSync } from "node:fs";
import { constants } from "node:os";
import { join } from "node:path";

/** Why faults cannot be injected on this machine; undefined when they can. */
export const noFaults: string | undefined = process.platform !== "linux"
  ? "needs Linux"
  : Bun.which("cc") === null
  ? "needs a C compiler, cc"
  : undefined;

/** Compiles the library into a folder. Returns its path. @throws what the compiler said */
export function compileFaults(folder: string): string {
  const library = join(folder, "faults.so");
  if (existsSync(library)) return library;
  const source = join(import.meta.dir, "faults.c");
  const made = Bun.spawnSync(["cc", "-O1", "-shared", "-fPIC", "-o", library, source, "-ldl"]);
  if (made.exitCode !== 0) throw new Error(`cc: ${made.stderr}`);
  return library;
}

/** Calls that fail; a sum. */
export const calls = { write: 1, sync: 2, truncate: 4 };

export interface Fault {
  error: "ENOSPC" | "EIO";
  /** Sum of `calls`. */
  calls: number;
  /** So many of them go through first. */
  spared?: number;
  /** The first write that fails has written half. */
  torn?: boolean;
}

/** The control file of one process, or of several in turn. */
export class Faults {
  readonly #path: string;
  readonly #file: number;
  #offset = 0n;

  constructor(path: string) {
    this.#path = path;
    writeFileSync(path, new Uint8Array(64));
    this.#file = openSync(path, "r+");
  }

  /** What a process that is to have the faults needs in its environment. */
  environment(library: string, part = "journal.db"): Record<string, string> {
    return { LD_PRELOAD: library, WIPPY_FAULTS: this.#path, WIPPY_FAULTS_PATH: part };
  }

  /** From now on, this fails. */
  begin({ error, calls, spared = 0, torn = false }: Fault): void {
    const bytes = Buffer.alloc(16);
    bytes.writeInt32LE(constants.errno[error], 0);
    bytes.writeInt32LE(calls, 4);
    bytes.writeInt32LE(spared, 8);
    bytes.writeInt32LE(torn ? 1 : 0, 12);
    writeSync(this.#file, bytes, 0, 16, 8);
  }

  /** Nothing fails any more. */
  end(): void {
    writeSync(this.#file, new Uint8Array(16), 0, 16, 8);
  }

  /** Milliseconds that the wall clock is ahead. */
  get clock(): number {
    return Number(this.#offset / 1_000_000n);
  }

  /** Sets the wall clock that far ahead of the machine's, in milliseconds. */
  set clock(milliseconds: number) {
    this.#offset = BigInt(Math.round(milliseconds)) * 1_000_000n;
    const bytes = Buffer.alloc(8);
    bytes.writeBigInt64LE(this.#offset);
    writeSync(this.#file, bytes, 0, 8, 0);
  }

  /** Calls that have failed so far. */
  get injected(): number {
    return Number(readFileSync(this.#path).readBigInt64LE(24));
  }

  close(): void {
    closeSync(this.#file);
  }
}
