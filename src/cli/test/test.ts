import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname, relative, resolve, sep } from "node:path";
import type { Application } from "../../app/app.ts";
import { lockFileName } from "../../app/lock-name.ts";
import { packSuffix } from "../../app/pack/name.ts";
import { withSyntaxCheck } from "../../app/syntax-check.ts";
import { watchDirectory } from "../../app/watch.ts";
import { findTestFiles, testCommands } from "../../testing/discovery.ts";
import type { Coverage, FileCoverage } from "../../testing/coverage/coverage.ts";
import { runJobs } from "../../testing/jobs/jobs.ts";
import type { Plan } from "../../testing/jobs/schedule.ts";
import type { TestFile } from "../../testing/library/library.ts";
import type { Reporter, Totals, Write } from "../../testing/reporters/reporters.ts";
import { load, packsFolder, type SourceOptions } from "../run/load.ts";
import { run } from "../run/run.ts";
import { WippyError } from "../../vm/error.ts";
import { report } from "../terminal/report.ts";
import { GatheredOutput } from "./gathered-output.ts";
import { CommandError, type Console } from "../terminal/terminal.ts";

/** Flags of `wippy test`. */
export interface TestOptions extends SourceOptions {
  filter?: string;
  seed?: number;
  seeds?: number;
  /** Seconds. */
  timeout: number;
  reporter: "pretty" | "tap" | "junit" | "json";
  watch?: boolean;
  /** Tests at a time. */
  jobs?: number;
  coverage?: boolean;
  /** File for the coverage, which is then counted. */
  coverageOutput?: string;
  host?: string;
  /** The program that has started this one debugs the tests. */
  debugger?: boolean;
}

/** `wippy test [FILE…]`. @returns the exit status: 1 when a test failed */
export async function test(
  console: Console,
  files: readonly string[],
  options: TestOptions,
): Promise<number> {
  if (!options.watch) return await runAll(console, files, options);
  if (files.some((name) => name.endsWith(packSuffix))) {
    throw new CommandError("--watch follows source files, and a pack has none", "leave it out");
  }
  const again = async () => {
    try {
      await runAll(console, files, options);
    } catch (error) {
      const { message, fix } = error as { message: string; fix?: string };
      console.err(`Error: ${message}\n${fix === undefined ? "" : `    hint: ${fix}\n`}`);
    }
    if (options.reporter === "pretty") console.out("\nwaiting for changes; Ctrl+C ends\n\n");
  };
  const first = again();
  const { coverageOutput } = options;
  // From the beginning: a file may be saved while the tests run.
  watchDirectory(
    console.directory,
    async () => {
      await first;
      await again();
    },
    coverageOutput === undefined ? undefined : resolve(console.directory, coverageOutput),
  );
  return await new Promise<never>(() => {});
}

async function runAll(
  console: Console,
  files: readonly string[],
  options: TestOptions,
): Promise<number> {
  const [pack] = files.filter((name) => name.endsWith(packSuffix));
  if (pack !== undefined && files.length > 1) {
    throw new CommandError("a pack is tested alone", "name one pack, or files and folders");
  }
  const application = await loadSound(console, options, pack);
  const found = pack === undefined
    ? chosen(console, findTestFiles(application), files)
    : await packedTests(console, pack);
  const all = files.length === 0 || pack !== undefined;
  const commands = all && options.filter === undefined ? testCommands(application) : [];
  if (pack !== undefined && found.length === 0 && commands.length === 0) {
    throw new CommandError(`${pack} holds no tests`, "make it with wippy pack --tests");
  }
  if (found.length === 0 && commands.length === 0) {
    throw new CommandError(
      "no tests found: no file named *_test.lua, and no process with meta.command.use_case: test",
      'write one beside the code, such as src/hello_test.lua: it("adds", function() expect(1 + 1):to_equal(2) end)',
    );
  }
  const totals = await reportFiles(console, application, found, options);
  if (options.coverageOutput !== undefined && totals.coverage) {
    await writeLcov(console, options.coverageOutput, totals.coverage);
  }
  if (found.length > 0 && totals.passed + totals.failed + totals.pending === 0) {
    if (options.filter !== undefined) {
      throw new CommandError(`no test contains "${options.filter}"`);
    }
    const { length } = found;
    throw new CommandError(
      length === 1 ? `${found[0]!.path} has no test` : `none of the ${length} files has a test`,
      'write one: it("adds", function() expect(1 + 1):to_equal(2) end)',
    );
  }
  let status = totals.failed > 0 ? 1 : 0;
  for (const { id } of commands) {
    const { filter: _, watch: __, ...flags } = options;
    status ||= await run(console, pack, [], { ...flags, exec: id });
  }
  return status;
}

/** @throws CommandError when the application cannot run */
async function loadSound(
  console: Console,
  options: TestOptions,
  pack: string | undefined,
): Promise<Application> {
  const application = await withSyntaxCheck((check) =>
    // A test has no actor; what the application itself starts keeps its own.
    load(
      console,
      { ...options, set: [...options.set ?? [], "security.strict_mode=false"] },
      check,
      false,
      { unpackInto: packsFolder(console, {}), ...(pack !== undefined && { pack }) },
    )
  );
  if (!application.locked) {
    throw new CommandError(
      `no ${lockFileName} in ${console.directory}`,
      'run "wippy init" there, or name the directory with -C',
    );
  }
  report(console, application.problems);
  return application;
}

/** The files of tests in a pack. @throws CommandError when they were changed */
async function packedTests(console: Console, name: string): Promise<TestFile[]> {
  const { Pack } = await import("../../app/pack/read.ts");
  const pack = await Pack.open(resolve(console.directory, name));
  try {
    return await pack.tests();
  } catch (error) {
    const fix = "make it again with wippy pack, or fetch it again";
    throw new CommandError(`cannot load ${name}: ${WippyError.from(error).message}`, fix);
  } finally {
    pack.close();
  }
}

/** The files that were named, or that lie in a folder that was. @throws CommandError for one without tests */
function chosen(console: Console, found: TestFile[], names: readonly string[]): TestFile[] {
  if (names.length === 0) return found;
  const wanted = names.map((name) => {
    const path = resolve(console.directory, name);
    const shown = relative(console.directory, path).split(sep).join("/");
    const some = (file: TestFile) =>
      shown === "" || file.path === shown || file.path.startsWith(`${shown}/`);
    if (!existsSync(path)) throw new CommandError(`there is no ${name}`, "correct the path");
    if (!found.some(some)) {
      throw new CommandError(
        `no tests found in ${name}`,
        "files of tests are named *_test.lua and lie below the application's source folder",
      );
    }
    return some;
  });
  return found.filter((file) => wanted.some((some) => some(file)));
}

/** Runs the tests of files and reports on them. @throws CommandError as `runFiles` */
async function reportFiles(
  console: Console,
  application: Application,
  files: readonly TestFile[],
  options: TestOptions,
): Promise<Totals> {
  const output = new GatheredOutput((bytes) => console.out(bytes));
  try {
    const reporter = await makeReporter(console, options.reporter, output.write);
    const totals = await runFiles(application, files, options, reporter);
    reporter.end(totals);
    return totals;
  } finally {
    output.flush();
  }
}

async function makeReporter(
  console: Console,
  name: TestOptions["reporter"],
  write: Write,
): Promise<Reporter> {
  switch (name) {
    case "pretty":
      return (await import("../../testing/reporters/pretty.ts")).pretty(write, console.colour);
    case "tap":
      return (await import("../../testing/reporters/tap.ts")).tap(write);
    case "junit":
      return (await import("../../testing/reporters/junit.ts")).junit(write);
    case "json":
      return (await import("../../testing/reporters/json.ts")).json(write);
  }
}

/** Runs the tests of files side by side. @throws CommandError when the coverage cannot be written */
async function runFiles(
  application: Application,
  files: readonly TestFile[],
  options: TestOptions,
  reporter: Reporter,
): Promise<Totals> {
  const begun = performance.now();
  const totals: Totals = { passed: 0, failed: 0, pending: 0, duration: 0 };
  const { seed = 1, seeds = 1, timeout, filter, jobs } = options;
  const counting = options.coverage === true || options.coverageOutput !== undefined;
  const coverage = counting ? await countingCoverage(application) : undefined;
  const plan: Plan = {
    files,
    seed,
    wanted: (path) => filter === undefined || path.join(" > ").includes(filter),
    tell(report) {
      totals[report.status]++;
      reporter.test(report);
    },
  };
  await runJobs(coverage?.application ?? application, plan, {
    seed,
    seeds,
    timeout: timeout * 1000,
    ...(jobs !== undefined && { jobs }),
    ...(coverage && { countLines: coverage.add }),
    ...(options.debugger && {
      began: (await import("../debug/tests.ts")).debugTests(application.directory),
    }),
  });
  return {
    ...totals,
    ...(coverage && { coverage: coverage.files }),
    duration: performance.now() - begun,
  };
}

/** Loaded when coverage is asked for. */
async function countingCoverage(application: Application): Promise<Coverage> {
  const { Coverage } = await import("../../testing/coverage/coverage.ts");
  return new Coverage(application);
}

/** @throws CommandError */
async function writeLcov(
  console: Console,
  name: string,
  files: readonly FileCoverage[],
): Promise<void> {
  const { lcov } = await import("../../testing/coverage/lcov.ts");
  const path = resolve(console.directory, name);
  try {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, lcov(files));
  } catch (error) {
    throw new CommandError(
      `cannot write ${name}: ${(error as Error).message}`,
      "name a file in a folder that can be written",
    );
  }
}
