/**
 * Runs tests: each in a world of its own, with crashes if it requests them.
 * @module
 */
import type { LogRecord } from "../observe/log.ts";
import type { Entry } from "../registry/entry.ts";
import { WippyError } from "../vm/error.ts";
import { isRecord } from "./record.ts";
import type { LuaValue } from "../vm/value.ts";
import { namespace } from "./library/library.ts";
import { type RunOutcome, type TestedApplication, World, type WorldSettings } from "./world.ts";

/** Why a test did not pass. */
export interface TestFailure {
  message: string;
  /** Frames, a line each. */
  stack?: string;
  /** The two values that should be equal, as text. */
  expected?: string;
  actual?: string;
  /** Where the runtime crashed; absent without a crash. */
  crash?: string;
}

/** The outcome of a test under one seed. */
export interface TestOutcome {
  failure?: TestFailure;
  /** Steps at which the runtime crashed and the test was run again. */
  crashes: number;
  /** The application's log of the pass that failed, otherwise of the first. */
  logs: LogRecord[];
}

/** A test of a file. */
export interface TestCase {
  /** Groups, outermost first, and the name of the test. */
  path: string[];
  pending: boolean;
}

/** How tests are run. */
export interface RunSettings extends WorldSettings {
  /** Real milliseconds that one pass of a test may take. */
  timeout: number;
}

interface Pass {
  failure?: TestFailure;
  crashes: boolean;
  result: LuaValue;
}

/** Lists the tests of a file, in order. @throws WippyError the failure of its code */
export async function listTests(
  application: TestedApplication,
  entries: readonly Entry[],
  settings: RunSettings,
): Promise<TestCase[]> {
  const bare = {
    ...application,
    entries: application.entries.filter(({ kind }) => kind === "library.lua"),
  };
  const { began: _, ...unwatched } = settings;
  const world = new World(bare, entries, unwatched);
  try {
    await world.begin();
    const { tests } = ofTests(await inTime(world, settings.timeout, world.run({})));
    return Array.isArray(tests) ? tests.map(testCase) : [];
  } finally {
    await world.end();
  }
}

/** Waits for a pass. @throws WippyError Timeout, for instance for an endless loop or a message that never comes */
async function inTime<Value>(world: World, timeout: number, work: Promise<Value>): Promise<Value> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    const why = world.simulation.idle
      ? "nothing was left to run, so it waits for what does not come"
      : "it was still running; --timeout raises the limit";
    world.halt();
    const message = `the test did not end within ${timeout / 1000} s: ${why}`;
    late.reject(new WippyError("Timeout", message));
  }, timeout);
  try {
    return await Promise.race([work, late.promise]);
  } finally {
    clearTimeout(timer);
    work.catch(() => {});
  }
}

function testCase(value: LuaValue): TestCase {
  const { path, pending } = ofTests(value);
  return { path: Array.isArray(path) ? path.map(String) : [], pending: pending === true };
}

/** Reads what `test.main` returned. @throws WippyError Internal for anything unexpected */
function ofTests(value: LuaValue): Record<string, LuaValue> {
  if (isRecord(value)) return value;
  throw new WippyError("Internal", `the test returned ${Bun.inspect(value)}`);
}

function passOf(value: LuaValue): Pass {
  const { failure, crashes, result } = ofTests(value);
  if (failure === undefined) return { crashes: crashes === true, result };
  if (!isRecord(failure)) throw new WippyError("Internal", `the test failed with ${failure}`);
  const text = (name: string) => {
    const field = failure[name];
    return field instanceof Uint8Array
      ? new TextDecoder().decode(field)
      : field as string | undefined;
  };
  const [message = "", stack, expected, actual] = ["message", "stack", "expected", "actual"].map(
    text,
  );
  return {
    failure: {
      message,
      ...(stack !== undefined && { stack }),
      ...(expected !== undefined && { expected }),
      ...(actual !== undefined && { actual }),
    },
    crashes: crashes === true,
    result,
  };
}

function failureOf(error: unknown): TestFailure {
  const { message, kind, luaStack } = WippyError.from(error);
  // What a coroutine has raised has the frames of Lua's own traceback.
  const frames = luaStack?.split("\n").filter((line) =>
    line.trim() !== "" && !/^\s*\[C\]:|^stack traceback:$/.test(line)
  );
  return {
    message: kind === "Timeout" ? message : `${kind}: ${message}`,
    ...(frames && frames.length > 0 && { stack: frames.join("\n") }),
  };
}

/** Runs one test under one seed. Failures are part of the outcome. */
export async function runTest(
  application: TestedApplication,
  entries: readonly Entry[],
  index: number,
  settings: RunSettings,
): Promise<TestOutcome> {
  const world = new World(application, entries, settings);
  const commits: number[] = [];
  try {
    await world.begin();
    world.afterCommits(() => commits.push(world.simulation.tasks));
    const { failure, crashes, result } = passOf(
      await inTime(world, settings.timeout, world.run({ index: index + 1 })),
    );
    if (failure || !crashes) return { ...(failure && { failure }), crashes: 0, logs: world.logs };
    const expected = await world.outcomes() ?? [];
    return await withCrashes(application, entries, index, settings, {
      points: crashPoints(commits),
      expected,
      result,
      logs: world.logs,
    });
  } catch (error) {
    return { failure: failureOf(error), crashes: 0, logs: world.logs };
  } finally {
    await world.end().catch(() => {});
  }
}

interface Undisturbed {
  points: CrashPoint[];
  expected: RunOutcome[];
  result: LuaValue;
  logs: LogRecord[];
}

/** Where the runtime crashes. */
interface CrashPoint {
  /** Tasks of the simulation that have run by then. */
  task: number;
  text: string;
}

/**
 * Crash points right after each commit, and right before each but the first: the step that the commit records has had
 * its effects by then. Before the first commit there is no run.
 */
function crashPoints(commits: readonly number[]): CrashPoint[] {
  const of = commits.length;
  return commits.flatMap((task, index) => {
    const number = `${index + 1} of ${of}`;
    const after = { task, text: `crash right after commit ${number}` };
    const previous = commits[index - 1];
    if (previous === undefined || previous >= task - 1) return [after];
    return [{ task: task - 1, text: `crash right before commit ${number}` }, after];
  });
}

/** Runs the test once for every crash point of the undisturbed pass. */
async function withCrashes(
  application: TestedApplication,
  entries: readonly Entry[],
  test: number,
  settings: RunSettings,
  { points, expected, result, logs }: Undisturbed,
): Promise<TestOutcome> {
  if (expected.length === 0) {
    const message = "crash.at_every_step ran no workflow, so nothing could crash between two steps";
    return { failure: { message }, crashes: 0, logs };
  }
  for (const [index, point] of points.entries()) {
    const world = new World(application, entries, { ...settings, lives: "many" });
    let failure: TestFailure | undefined;
    try {
      failure = await crashAt(world, point.task, test, settings, expected, result);
    } catch (error) {
      failure = failureOf(error);
    } finally {
      await world.end().catch(() => {});
    }
    if (failure) {
      return { failure: { ...failure, crash: point.text }, crashes: index + 1, logs: world.logs };
    }
  }
  return { crashes: points.length, logs };
}

async function crashAt(
  world: World,
  task: number,
  test: number,
  { timeout }: RunSettings,
  expected: readonly RunOutcome[],
  result: LuaValue,
): Promise<TestFailure | undefined> {
  await world.begin();
  const crashed = Promise.withResolvers<void>();
  const spare = world.simulation.afterTasks(task - world.simulation.tasks, () => {
    world.halt();
    crashed.resolve();
  });
  const first = world.run({ index: test + 1 });
  first.catch(() => {});
  // The last commits may come after the end of the test, when there is nothing left to crash.
  const done = await inTime(
    world,
    timeout,
    Promise.race([crashed.promise, first.then(() => "ended")]),
  );
  if (done === "ended") {
    // Its stop may come to that task, and must not crash.
    spare();
    return undefined;
  }
  const [left, startTime] = [world.entries, world.simulation.now() + 1];
  await world.drop();
  await world.begin({ entries: left, startTime });
  const placed: Record<string, boolean> = {};
  for (const { id, data } of left) {
    const [source, file] = [String(data["source"] ?? ""), String(data["file"] ?? "")];
    if (source.includes(`"${namespace}.answer"`) || file.endsWith(".fake.db")) placed[id] = true;
  }
  const second = world.run({
    index: test + 1,
    mode: "resume",
    placed,
    calls: world.calls,
    result,
  });
  second.catch(() => {});
  const outcomes = await inTime(world, timeout, allEnded(world));
  const differs = outcomes.find((run) => !expected.some((other) => alike(run, other)));
  if (differs) {
    const before = expected.find(({ entry }) => entry === differs.entry);
    return {
      message: `${differs.entry} ended differently than without a crash`,
      expected: before ? `${before.status} ${before.outcome}` : "no such run",
      actual: `${differs.status} ${differs.outcome}`,
    };
  }
  // A test that fails before it listens does not get this message; its own failure is reported.
  void world.tellDone().catch(() => {});
  return passOf(await inTime(world, timeout, second)).failure;
}

function alike(one: RunOutcome, other: RunOutcome): boolean {
  return one.entry === other.entry && one.status === other.status && one.outcome === other.outcome;
}

/** Waits until no run is open; checks after each commit. */
async function allEnded(world: World): Promise<RunOutcome[]> {
  let committed = Promise.withResolvers<void>();
  world.afterCommits(() => committed.resolve());
  for (;;) {
    const outcomes = await world.outcomes();
    if (outcomes) return outcomes;
    await committed.promise;
    committed = Promise.withResolvers();
  }
}
