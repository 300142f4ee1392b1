import { existsSync } from "node:fs";
import { relative, resolve, sep } from "node:path";
import type { Application } from "../../app/app.ts";
import { lockFileName } from "../../app/lock-name.ts";
import { withSyntaxCheck } from "../../app/syntax-check.ts";
import { watchDirectory } from "../../app/watch.ts";
import { builtinModules } from "../../registry/modules.ts";
import { findTestFiles, testCommands } from "../../testing/discovery.ts";
import { testEntries, type TestFile } from "../../testing/library/library.ts";
import type { Reporter, TestReport, Totals } from "../../testing/reporters/reporters.ts";
import { listTests, type RunSettings, runTest, type TestCase } from "../../testing/testing.ts";
import { WippyError } from "../../vm/error.ts";
import { load, type SourceOptions } from "../run/load.ts";
import { run } from "../run/run.ts";
import { report } from "../terminal/report.ts";
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
  host?: string;
}

/** `wippy test [FILE…]`. @returns the exit status: 1 when a test failed */
export async function test(
  console: Console,
  files: readonly string[],
  options: TestOptions,
): Promise<number> {
  if (!options.watch) return await runAll(console, files, options);
  const again = async () => {
    try {
      await runAll(console, files, options);
    } catch (error) {
      const { message, fix } = error as { message: string; fix?: string };
      console.err(`Error: ${message}\n${fix === undefined ? "" : `    hint: ${fix}\n`}`);
    }
  };
  await again();
  watchDirectory(console.directory, again);
  return await new Promise<never>(() => {});
}

async function runAll(
  console: Console,
  files: readonly string[],
  options: TestOptions,
): Promise<number> {
  const application = await loadSound(console, options);
  const found = chosen(console, findTestFiles(application), files);
  const commands = files.length === 0 && options.filter === undefined
    ? testCommands(application)
    : [];
  if (found.length === 0 && commands.length === 0) {
    throw new CommandError(
      "no tests found: no file named *_test.lua, and no process with meta.command.use_case: test",
      'write one beside the code, such as src/hello_test.lua: it("adds", function() expect(1 + 1):to_equal(2) end)',
    );
  }
  const reporter = await makeReporter(console, options.reporter);
  const totals = await runFiles(application, found, options, reporter);
  reporter.end(totals);
  if (options.filter !== undefined && totals.passed + totals.failed + totals.pending === 0) {
    throw new CommandError(`no test contains "${options.filter}"`);
  }
  let status = totals.failed > 0 ? 1 : 0;
  for (const { id } of commands) {
    const { filter: _, watch: __, ...flags } = options;
    status ||= await run(console, undefined, [], { ...flags, exec: id });
  }
  return status;
}

/** @throws CommandError when the application cannot run */
async function loadSound(console: Console, options: TestOptions): Promise<Application> {
  const application = await withSyntaxCheck((check) =>
    // A test has no actor; what the application itself starts keeps its own.
    load(console, { ...options, set: [...options.set ?? [], "security.strict_mode=false"] }, check)
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

async function makeReporter(
  console: Console,
  name: TestOptions["reporter"],
): Promise<Reporter> {
  const write = (text: string | Uint8Array) => console.out(text);
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

async function runFiles(
  application: Application,
  files: readonly TestFile[],
  options: TestOptions,
  reporter: Reporter,
): Promise<Totals> {
  const begun = performance.now();
  const totals: Totals = { passed: 0, failed: 0, pending: 0, duration: 0 };
  const settings: RunSettings = { seed: options.seed ?? 1, timeout: options.timeout * 1000 };
  const modules = [...builtinModules.keys()];
  for (const file of files) {
    const entries = testEntries(file, modules);
    const tell = (report: TestReport) => {
      totals[report.status]++;
      reporter.test(report);
    };
    let cases: TestCase[];
    try {
      cases = await listTests(application, entries, settings);
    } catch (error) {
      const { message } = WippyError.from(error);
      const outcome = { failure: { message }, crashes: 0, logs: [] };
      const path = ["the file cannot be loaded"];
      tell({ file: file.path, path, status: "failed", duration: 0, seed: settings.seed, outcome });
      continue;
    }
    for (const [index, { path, pending }] of cases.entries()) {
      if (options.filter !== undefined && !path.join(" > ").includes(options.filter)) continue;
      if (pending) {
        tell({ file: file.path, path, status: "pending", duration: 0, seed: settings.seed });
        continue;
      }
      const start = performance.now();
      const { seeds = 1 } = options;
      let seed = settings.seed;
      let outcome = await runTest(application, entries, index, settings);
      while (!outcome.failure && seed + 1 < settings.seed + seeds) {
        seed++;
        outcome = await runTest(application, entries, index, { ...settings, seed });
      }
      const status = outcome.failure ? "failed" : "passed";
      const duration = performance.now() - start;
      tell({ file: file.path, path, status, duration, seed, outcome });
    }
  }
  return { ...totals, duration: performance.now() - begun };
}
