import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { WippyError } from "../../src/vm/error.ts";
import {
  type Behaviour,
  Differences,
  MOST_STEPS,
  SHOWING,
} from "../unit/vm/compiler/differences.ts";
import { randomProgram } from "../unit/vm/compiler/random_program.ts";
import type { Found, Search } from "./fuzz.ts";

/** Behind what a program showed. */
const END = "<end>";
/** Bytes in use in a VM beyond which others are made: the memory of a VM never shrinks. */
const LARGE = 64 * 2 ** 20;
/** Programs that lua5.4 runs in one process. */
const BATCH = 100;
const SLICES = [7, 40, 1000, 1_000_000];

/** Does for lua5.4 what differences.ts does in a VM, without fuel: prints what each program showed. */
const NATIVE = `
${SHOWING}for _, source in ipairs(dofile(arg[1])) do
  local shown = {}
  local show = showing(shown)
  local env = setmetatable({ show = show }, { __index = _G })
  local program = load("local function program(_ENV)\\n" .. source .. "\\nend\\nreturn program", "=test")()
  local co = coroutine.create(function() local ok, message = pcall(program, env) show(ok, message) end)
  local steps = 0
  while coroutine.status(co) ~= "dead" and steps < ${MOST_STEPS} do
    coroutine.resume(co)
    steps = steps + 1
  end
  io.write(table.concat(shown, "\\n"), "${END}")
end`;

/**
 * Random programs, interpreted, with all functions compiled, and with some: they have to do the same and burn the same
 * fuel. Where lua5.4 is installed it has to show the same, too.
 */
export async function tryCompiled({ until, random }: Search): Promise<Found> {
  const wrong: string[] = [];
  const tried = { programs: 0, "beside lua5.4": 0 };
  const start = () => Differences.start(() => random() < 0.5);
  let differences = await start();
  const native = Bun.which("lua5.4");
  while (Date.now() < until && wrong.length === 0) {
    const batch: { source: string; behaviour: Behaviour }[] = [];
    for (let i = 0; i < BATCH; i++) {
      const decisions = Array.from(
        { length: 20 + Math.floor(random() * 230) },
        () => Math.floor(random() * 10_000),
      );
      const source = randomProgram(decisions);
      const slice = SLICES[Math.floor(random() * SLICES.length)]!;
      const behaviours = run(differences, source, slice);
      if (behaviours === undefined) {
        // What is left in the VMs differs.
        differences = await start();
        continue;
      }
      if (differences.largest > LARGE) differences = await start();
      const { interpreted, compiled, mixed } = behaviours;
      if (!Bun.deepEquals(interpreted, compiled)) {
        wrong.push(`${source}\n${Bun.inspect({ slice, interpreted, compiled })}`);
      }
      if (!Bun.deepEquals(interpreted, mixed)) {
        wrong.push(`${source}\n${Bun.inspect({ slice, interpreted, mixed })}`);
      }
      tried.programs++;
      // lua5.4 would run an endless one for ever. The order of keys depends on the seed of the hashes, and so does
      // whether a loop over a table ends that adds to it.
      if (ended(interpreted) && !source.includes("pairs(T)")) {
        batch.push({ source, behaviour: interpreted });
      }
    }
    // The engine would leave what has grown old for longer than the search lasts.
    Bun.gc(true);
    if (native === null) continue;
    const shown = runNatively(native, batch.map(({ source }) => source));
    for (const [i, { source, behaviour }] of batch.entries()) {
      tried["beside lua5.4"]++;
      const [ours, theirs] = [String(behaviour.at(-1)), shown[i] ?? ""].map(withoutPositions);
      if (ours !== theirs) wrong.push(`${source}\n${Bun.inspect({ ours, theirs })}`);
    }
  }
  return { tried, wrong };
}

/** What a program does in all modes; undefined when it shows more than a VM passes on, or uses all memory. */
function run(
  differences: Differences,
  source: string,
  slice: number,
): ReturnType<Differences["run"]> | undefined {
  try {
    return differences.run(source, slice);
  } catch (error) {
    if (error instanceof WippyError && ["Invalid", "Unavailable"].includes(error.kind)) {
      return undefined;
    }
    throw error;
  }
}

function ended([slices, yields]: Behaviour): boolean {
  return Number(slices) + Number(yields) < MOST_STEPS;
}

/**
 * Without the chunk and line before a message: lua5.4 has another line for a division by zero. Debian's 5.4.4 numbers
 * an argument of table.remove otherwise.
 */
function withoutPositions(shown: string): string {
  return shown.replaceAll(/\btest(:code)?:\d+: /g, "").replaceAll(
    "#1 to 'remove'",
    "#2 to 'remove'",
  );
}

function runNatively(lua: string, sources: readonly string[]): string[] {
  const folder = mkdtempSync(join(tmpdir(), "wippy-fuzz-"));
  try {
    const programs = join(folder, "programs.lua");
    const driver = join(folder, "driver.lua");
    const quoted = sources.map((source) => `[==[\n${source}]==]`);
    writeFileSync(programs, `return {\n${quoted.join(",\n")}\n}`);
    writeFileSync(driver, NATIVE);
    const { stdout, stderr, exitCode } = Bun.spawnSync([lua, driver, programs], {
      timeout: 60_000,
    });
    if (exitCode !== 0) {
      throw new Error(`lua5.4 has not run all programs, or took a minute: ${stderr.toString()}`);
    }
    return stdout.toString().split(END);
  } finally {
    rmSync(folder, { recursive: true });
  }
}
