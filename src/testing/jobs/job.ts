/**
 * What runs tests: this thread, or another one beside it.
 * @module
 */
import { mkdtempSync } from "node:fs";
import { join } from "node:path";
import { builtinModules } from "../../registry/modules.ts";
import type { Entry } from "../../registry/entry.ts";
import type { KernelImage } from "../../worker/image-file.ts";
import { fileEntry, runningEntries, type TestFile } from "../library/library.ts";
import { loadedImage, sharedEntries } from "../shared.ts";
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

/** A file as its tests are run. */
interface ReadyFile {
  path: string;
  entries: Entry[];
  /** With the code of the application and of the file; undefined where lines are counted. */
  image: KernelImage | undefined;
}

/** Files that are kept ready: two threads may still be at the tests of the last one. */
const readyFiles = 2;

/** Runs tests in this thread. */
export class OwnJob implements Job {
  readonly #application: TestedApplication;
  readonly #settings: JobSettings;
  readonly #ready: ReadyFile[] = [];
  /** What runs tests, the same for all files: a kernel that was made with it in its image need not compare it. */
  readonly #running = sharedEntries(runningEntries());
  /** With the code of the application and of what runs tests. */
  #image: Promise<KernelImage | undefined> | undefined;

  constructor(application: TestedApplication, settings: JobSettings) {
    this.#application = { ...application, entries: sharedEntries(application.entries) };
    this.#settings = { ...settings, folder: mkdtempSync(join(settings.folder, "job-")) };
  }

  async #readyFile(file: TestFile): Promise<ReadyFile> {
    const present = this.#ready.find(({ path }) => path === file.path);
    if (present) return present;
    const own = sharedEntries([fileEntry(file, [...builtinModules.keys()])]);
    const entries = [...this.#running, ...own];
    const made = { path: file.path, entries, image: await this.#imageOf(own) };
    if (this.#ready.push(made) > readyFiles) this.#ready.shift();
    return made;
  }

  async #imageOf(file: readonly Entry[]): Promise<KernelImage | undefined> {
    // Code that counts its lines is told so before it is loaded.
    if (this.#settings.countLines) return undefined;
    this.#image ??= loadedImage([...this.#application.entries, ...this.#running]);
    const base = await this.#image;
    return base && await loadedImage(file, base);
  }

  async list(file: TestFile): Promise<TestCase[]> {
    const { entries, image } = await this.#readyFile(file);
    return await listTests(this.#application, entries, { ...this.#settings, image });
  }

  async run(file: TestFile, index: number): Promise<SeededOutcome> {
    const { seeds } = this.#settings;
    const first = this.#settings.seed;
    const begun = performance.now();
    const { entries, image } = await this.#readyFile(file);
    for (let seed = first;; seed++) {
      const settings = { ...this.#settings, seed, image };
      const outcome = await runTest(this.#application, entries, index, settings);
      if (outcome.failure === undefined && seed + 1 < first + seeds) continue;
      return { outcome, seed, duration: performance.now() - begun };
    }
  }
}
