/**
 * Checks everything, stage by stage, and goes on after a failure so that one run shows them all.
 *
 *     scripts/test [stage ...]
 *
 * The last line is `N passed, N failed` (and `, N skipped`): tests as bun counts them, and each
 * other stage as one. The exit status is 1 when anything failed.
 * @module
 */

import { existsSync, readdirSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { root } from "./sources.ts";

/** What came of a stage. */
interface Outcome {
  passed: number;
  failed: number;
  skipped: number;
}

interface Stage {
  name: string;
  run(): Promise<Outcome>;
}

const environment = {
  ...process.env,
  CI: "true",
  NO_COLOR: "1",
  FORCE_COLOR: undefined,
  DENO_NO_UPDATE_CHECK: "1",
};

/** A program that runs longer hangs: minutes. The whole of scripts/test is meant to take less. */
const limit = 45;

/**
 * Runs a program, its output shown as it comes, and gives its status and standard error's text.
 * One that hangs is killed: bun's own limit of a test cannot stop code that never waits.
 */
async function execute(command: string[]): Promise<{ status: number; output: string }> {
  const child = Bun.spawn(command, {
    cwd: root,
    env: environment,
    stdin: "ignore",
    stdout: "inherit",
    stderr: "pipe",
    timeout: limit * 60_000,
    killSignal: "SIGKILL",
  });
  let output = "";
  const decoder = new TextDecoder();
  for await (const chunk of child.stderr) {
    process.stderr.write(chunk);
    output += decoder.decode(chunk, { stream: true });
  }
  const status = await child.exited;
  if (child.signalCode === "SIGKILL") console.error(`Killed after ${limit} minutes: it hangs.`);
  return { status, output };
}

async function check(command: string[]): Promise<Outcome> {
  const { status } = await execute(command);
  return status === 0 ? { passed: 1, failed: 0, skipped: 0 } : { passed: 0, failed: 1, skipped: 0 };
}

const bun = process.execPath;

/** Deno's program out of its platform package: npm's `deno` would need Node to find it. */
function deno(): string | undefined {
  const packages = join(root, "node_modules/@deno");
  if (!existsSync(packages)) return undefined;
  for (const name of readdirSync(packages)) {
    for (const program of ["deno", "deno.exe"]) {
      const path = join(packages, name, program);
      if (existsSync(path) && Bun.spawnSync([path, "--version"]).success) return path;
    }
  }
  return undefined;
}

function checkWithDeno(args: string[]): Promise<Outcome> {
  const program = deno();
  if (program !== undefined) return check([program, ...args]);
  console.log(`Skipped: npm's deno has no program for this platform (it has none for musl).`);
  return Promise.resolve({ passed: 0, failed: 0, skipped: 1 });
}

/** The counts that `bun test` prints at its end. */
export function countsOf(output: string): Outcome {
  const count = (word: string) => {
    const lines = [...output.matchAll(new RegExp(`^ *(\\d+) ${word}$`, "gm"))];
    return Number(lines.at(-1)?.[1] ?? 0);
  };
  return {
    passed: count("pass"),
    failed: count("fail") + count("errors?"),
    skipped: count("skip"),
  };
}

/**
 * Files of tests that run at the same time. More than four would not end sooner, because the slowest
 * file takes a minute, and each process may hold some hundred megabytes of VMs.
 */
const processes = Math.min(availableParallelism(), 4);

/** Tests from source; those of the executable come after it is built. */
async function test(paths: string[]): Promise<Outcome> {
  const spread = [`--parallel=${processes}`, "--no-isolate"];
  const command = [bun, "test", "--timeout", "60000", ...spread, ...paths];
  const { status, output } = await execute(command);
  const counts = countsOf(output);
  if (status !== 0 && counts.failed === 0) counts.failed = 1;
  if (counts.passed + counts.failed + counts.skipped === 0) counts.failed = 1;
  return counts;
}

const binaryTests = "tests/integration/binary.test.ts";

const stages: Stage[] = [
  { name: "prepare", run: () => check([bun, "run", "scripts/prepare.ts"]) },
  { name: "format", run: () => checkWithDeno(["fmt", "--check"]) },
  { name: "format-lua", run: () => check([bun, "scripts/lua-format.ts", "--check"]) },
  { name: "lint", run: () => checkWithDeno(["lint", "--quiet"]) },
  { name: "lint-lua", run: () => check([bun, "scripts/lua-lint.ts"]) },
  { name: "types", run: () => check([bun, "node_modules/typescript/bin/tsc", "--noEmit"]) },
  {
    name: "types-page",
    run: () => check([bun, "node_modules/typescript/bin/tsc", "--noEmit", "-p", "src/admin/ui"]),
  },
  { name: "test", run: () => test(["--path-ignore-patterns", binaryTests]) },
  { name: "build", run: () => check([bun, "build.ts"]) },
  { name: "binary", run: () => test([`./${binaryTests}`]) },
];

async function main(names: string[]): Promise<number> {
  const unknown = names.filter((name) => !stages.some((stage) => stage.name === name));
  if (unknown.length > 0) {
    console.error(`test: no stage ${unknown.join(", ")}.`);
    console.error(`The stages are: ${stages.map((stage) => stage.name).join(", ")}.`);
    return 2;
  }
  const total: Outcome = { passed: 0, failed: 0, skipped: 0 };
  const failures: string[] = [];
  for (const stage of stages) {
    if (names.length > 0 && !names.includes(stage.name)) continue;
    console.log(`\n== ${stage.name}`);
    const started = performance.now();
    const outcome = await stage.run();
    const seconds = ((performance.now() - started) / 1000).toFixed(1);
    console.log(`== ${stage.name}: ${outcome.failed === 0 ? "ok" : "FAILED"} in ${seconds} s`);
    if (outcome.failed > 0) failures.push(stage.name);
    total.passed += outcome.passed;
    total.failed += outcome.failed;
    total.skipped += outcome.skipped;
  }
  if (failures.length > 0) console.log(`\nFailed: ${failures.join(", ")}`);
  const skipped = total.skipped > 0 ? `, ${total.skipped} skipped` : "";
  console.log(`\n${total.passed} passed, ${total.failed} failed${skipped}`);
  return total.failed > 0 ? 1 : 0;
}

if (import.meta.main) process.exitCode = await main(process.argv.slice(2));
