/**
 * What runs tests: this thread, or another one beside it.
 * @module
 */
import { builtinModules } from "../../registry/modules.ts";
import type { Entry } from "../../registry/entry.ts";
import { testEntries, type TestFile } from "../library/library.ts";
import {
  listTests,
  type RunSettings,
  runTest,
  type TestCase,
  type TestOutcome,
} from "../testing.ts";
import type { TestedApplication } from "../world.ts";

/** What came of a test under its seeds. */
export interface SeededOutcome {
  outcome: TestOutcome;
  /** The seed that it failed under, else the last. */
  seed: number;
  /** Real milliseconds. */
  duration: number;
}

/** Runs one test at a time. */
export interface Job {
  /** Whether it can run nothing any more. */
  readonly gone?: boolean;
  /** Lists the tests of a file, in their order. @throws WippyError what its code fails with */
  list(file: TestFile): Promise<TestCase[]>;
  /** Runs the test at an index of that list, under seeds one after another until one fails. */
  run(file: TestFile, index: number): Promise<SeededOutcome>;
}

/** How a job runs tests. */
export interface JobSettings extends RunSettings {
  /** How many seeds, from the first on. */
  seeds: number;
}

/** Runs tests in this thread. */
export class OwnJob implements Job {
  readonly #application: TestedApplication;
  readonly #settings: JobSettings;
  readonly #entries = new Map<string, Entry[]>();

  constructor(application: TestedApplication, settings: JobSettings) {
    this.#application = application;
    this.#settings = settings;
  }

  #entriesOf(file: TestFile): Entry[] {
    const known = this.#entries.get(file.path) ?? testEntries(file, [...builtinModules.keys()]);
    this.#entries.set(file.path, known);
    return known;
  }

  list(file: TestFile): Promise<TestCase[]> {
    return listTests(this.#application, this.#entriesOf(file), this.#settings);
  }

  async run(file: TestFile, index: number): Promise<SeededOutcome> {
    const { seeds } = this.#settings;
    const first = this.#settings.seed;
    const begun = performance.now();
    for (let seed = first;; seed++) {
      const settings = { ...this.#settings, seed };
      const outcome = await runTest(this.#application, this.#entriesOf(file), index, settings);
      if (outcome.failure === undefined && seed + 1 < first + seeds) continue;
      return { outcome, seed, duration: performance.now() - begun };
    }
  }
}
