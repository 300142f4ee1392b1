/**
 * `scripts/profile [--top N] [--by-thread] COMMAND [ARGUMENT …]`: where the processor time of a program goes, on Linux.
 *
 * `perf` samples all threads of the command; JavaScriptCore writes down the addresses of the code that it makes, with
 * its names (its "jitdump"). Functions of the Lua VM have the names of Lua's C source, or a number.
 * @module
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { Command, InvalidArgumentError } from "commander";

/** Code of the engine: `size` bytes from `start`. */
export interface Code {
  start: number;
  size: number;
  name: string;
}

/** The record of the format that tells of new code. */
const CODE_LOAD = 0;

/** The code that a jitdump file lists, in order of address; of two at one address the later one. */
export function codesOf(dump: Buffer): Code[] {
  const codes = new Map<number, Code>();
  let at = dump.readUInt32LE(8);
  while (at + 16 <= dump.length) {
    const length = dump.readUInt32LE(at + 4);
    // The process has ended before it wrote all.
    if (length === 0 || at + length > dump.length) break;
    if (dump.readUInt32LE(at) === CODE_LOAD) {
      const start = Number(dump.readBigUInt64LE(at + 32));
      const name = dump.toString("latin1", at + 56, dump.indexOf(0, at + 56));
      codes.set(start, { start, size: Number(dump.readBigUInt64LE(at + 40)), name: plain(name) });
    }
    at += length;
  }
  return [...codes.values()].sort((a, b) => a.start - b.start);
}

/** `JSC-WasmOMG: .wasm-function[luaH_get]#AWb1AZ` → `luaH_get (wasm, OMG)`. */
function plain(name: string): string {
  const wasm = /^JSC-Wasm(\w+): .*wasm-function\[(.*)\]/.exec(name);
  if (wasm !== null) return `${wasm[2]} (wasm, ${wasm[1]})`;
  const script = /^JSC-(\w+): (.*?)(?:#\w+)?$/.exec(name);
  return script === null ? name : `${script[2]} (${script[1]})`;
}

/** The code at an address, or undefined. */
export function codeAt(codes: readonly Code[], address: number): Code | undefined {
  let low = 0;
  let high = codes.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (codes[middle]!.start <= address) low = middle + 1;
    else high = middle;
  }
  const code = codes[low - 1];
  return code !== undefined && address < code.start + code.size ? code : undefined;
}

/** One sample of `perf script -F comm,tid,ip,sym,dso`. */
const SAMPLE = /^\s*(.+?)\s+(\d+)\s+([0-9a-f]+)\s+(.*) \((.*?)\)$/;

/** A share of all samples, in percent, below which a function is not printed. */
const LEAST = 0.2;

/**
 * Samples by thread and by function. Code of the engine that was made shortly before the end is not listed in the dump.
 */
export function count(
  lines: Iterable<string>,
  codes: readonly Code[],
): Map<string, Map<string, number>> {
  const threads = new Map<string, Map<string, number>>();
  for (const line of lines) {
    const [, comm, tid, address, symbol, from] = SAMPLE.exec(line) ?? [];
    if (address === undefined) continue;
    const thread = `${comm} ${tid}`;
    const names = threads.get(thread) ?? new Map<string, number>();
    threads.set(thread, names);
    const file = basename(from!);
    const made = /^(\[JIT\]|perf-\d+\.map|\/*anon)/.test(file);
    const known = symbol !== "[unknown]" ? `${symbol} (native)` : made ? "made late" : file;
    const name = codeAt(codes, parseInt(address, 16))?.name ?? known;
    names.set(name, (names.get(name) ?? 0) + 1);
  }
  return threads;
}

function total(names: ReadonlyMap<string, number>): number {
  return names.values().reduce((sum, n) => sum + n, 0);
}

function print(title: string, names: ReadonlyMap<string, number>, all: number, top: number): void {
  console.log(`${title}: ${total(names)} samples`);
  for (const [name, n] of [...names].sort((a, b) => b[1] - a[1]).slice(0, top)) {
    const share = 100 * n / all;
    if (share >= LEAST) console.log(`${share.toFixed(1).padStart(7)} %  ${name}`);
  }
}

function wholeNumber(text: string): number {
  if (!/^[1-9]\d{0,5}$/.test(text)) throw new InvalidArgumentError("expected a whole number.");
  return Number(text);
}

interface Options {
  top: number;
  byThread: boolean;
}

/** Runs the command under perf and prints its profile. Returns the status of the command. */
async function profile(command: string[], options: Options): Promise<number> {
  if (Bun.which("perf") === null) {
    console.error("profile: there is no perf; install it (Debian: apt-get install linux-perf)");
    return 1;
  }
  const folder = mkdtempSync(join(tmpdir(), "wippy-profile-"));
  try {
    const data = join(folder, "perf.data");
    const record = ["record", "-q", "-k", "mono", "-e", "cpu-clock", "-F", "2500", "-o", data];
    const run = Bun.spawn(["perf", ...record, "--", ...command], {
      stdio: ["inherit", "inherit", "inherit"],
      env: { ...process.env, BUN_JSC_useJITDump: "1", BUN_JSC_jitDumpDirectory: folder },
    });
    const status = await run.exited;
    const dumps = readdirSync(folder).filter((name) => name.endsWith(".dump"));
    const codes = dumps.flatMap((name) => codesOf(readFileSync(join(folder, name))));
    codes.sort((a, b) => a.start - b.start);
    const script = Bun.spawn(["perf", "script", "-i", data, "-F", "comm,tid,ip,sym,dso"], {
      stdout: "pipe",
      stderr: "ignore",
    });
    const threads = count((await new Response(script.stdout).text()).split("\n"), codes);
    const all = [...threads.values()].reduce((sum, names) => sum + total(names), 0);
    if (options.byThread) {
      const order = [...threads].sort((a, b) => total(b[1]) - total(a[1]));
      for (const [thread, names] of order.slice(0, 8)) print(thread, names, all, options.top);
    } else {
      const names = new Map<string, number>();
      for (const of of threads.values()) {
        for (const [name, n] of of) names.set(name, (names.get(name) ?? 0) + n);
      }
      print("all threads", names, all, options.top);
    }
    return status;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

if (import.meta.main) {
  await new Command("profile")
    .description("Samples a program that runs Lua, and prints which functions take its time.")
    .argument("<command...>", "the program, with its arguments")
    .option("--top <n>", "print so many functions", wholeNumber, 40)
    .option("--by-thread", "list the functions of each thread", false)
    .passThroughOptions()
    .action(async (command: string[], options: Options) => {
      process.exitCode = await profile(command, options);
    })
    .parseAsync();
}
