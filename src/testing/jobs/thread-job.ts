import { WippyError } from "../../vm/error.ts";
import { loadLuaModule } from "../../vm/module.ts";
import type { TestFile } from "../library/library.ts";
import type { TestCase } from "../testing.ts";
import type { TestedApplication } from "../world.ts";
import type { Job, JobSettings, SeededOutcome } from "./job.ts";
import type { ThreadAnswer, ThreadStart, ThreadTask } from "./thread.ts";

/** Runs tests in a thread of its own. */
export class ThreadJob implements Job {
  readonly #thread = new Worker(new URL("./thread.ts", import.meta.url).href);
  readonly #settings: JobSettings;
  gone = false;
  /** The thread has been told what to run. */
  readonly #begun: Promise<void>;
  #waiting: PromiseWithResolvers<ThreadAnswer> | undefined;

  constructor(application: TestedApplication, settings: JobSettings) {
    this.#settings = settings;
    this.#thread.onmessage = ({ data }: MessageEvent<ThreadAnswer>) => this.#waiting?.resolve(data);
    this.#thread.onerror = ({ message }) => {
      this.gone = true;
      const text = `the thread that ran the test has failed: ${message}`;
      this.#waiting?.reject(new WippyError("Internal", text));
    };
    const { countLines, ...plain } = settings;
    const { directory, entries, modules, config } = application;
    const start: Omit<ThreadStart, "module"> = {
      directory,
      entries,
      modules,
      config: { sections: config.sections, directory: config.directory },
      settings: plain,
      counting: countLines !== undefined,
    };
    this.#begun = loadLuaModule().then((module) => this.#thread.postMessage({ ...start, module }));
  }

  async #ask(task: ThreadTask): Promise<ThreadAnswer> {
    await this.#begun;
    this.#waiting = Promise.withResolvers();
    this.#thread.postMessage(task);
    const answer = await this.#waiting.promise;
    for (const counts of answer.counts) this.#settings.countLines?.(counts);
    if ("failure" in answer) throw WippyError.from(answer.failure);
    return answer;
  }

  async list(file: TestFile): Promise<TestCase[]> {
    const answer = await this.#ask({ file });
    return "cases" in answer ? answer.cases : [];
  }

  async run(file: TestFile, index: number): Promise<SeededOutcome> {
    const answer = await this.#ask({ file, index });
    if ("outcome" in answer) return answer.outcome;
    throw new WippyError("Internal", "the thread ran no test");
  }

  /** Ends the thread, whatever it does. */
  end(): void {
    this.#thread.terminate();
  }
}
