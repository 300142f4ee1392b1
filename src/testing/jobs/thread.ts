/**
 * Entry of a thread that runs tests: the first message makes its job, each other one is a task.
 * @module
 */
import { Config } from "../../app/config.ts";
import type { Entry } from "../../registry/entry.ts";
import { WippyError } from "../../vm/error.ts";
import { useLuaModule } from "../../vm/module.ts";
import type { LineCounts } from "../../worker/kernel.ts";
import type { TestFile } from "../library/library.ts";
import type { TestCase } from "../testing.ts";
import type { TestedApplication } from "../world.ts";
import { type JobSettings, OwnJob, type SeededOutcome } from "./job.ts";

/** What the first message says: what a test needs of an application, and how it is run. */
export interface ThreadStart {
  directory: string;
  entries: Entry[];
  modules: Record<string, string>;
  config: { sections: Config["sections"]; directory: string };
  settings: Omit<JobSettings, "countLines">;
  /** The Lua VM: what the engine has compiled of it for another thread is not compiled again. */
  module: WebAssembly.Module;
  /** Whether lines are counted. */
  counting: boolean;
}

/** Lists the tests of a file, or runs the one at an index. */
export interface ThreadTask {
  file: TestFile;
  index?: number;
}

/** What has become of a task, and what was counted meanwhile. */
export type ThreadAnswer =
  & { counts: LineCounts[] }
  & ({ cases: TestCase[] } | { outcome: SeededOutcome } | {
    failure: ReturnType<WippyError["toJSON"]>;
  });

declare const self: { onmessage: (event: { data: ThreadStart | ThreadTask }) => void };
declare function postMessage(answer: ThreadAnswer): void;

let job: OwnJob | undefined;
let counts: LineCounts[] = [];

function begin(
  { directory, entries, modules, config, settings, module, counting }: ThreadStart,
): void {
  useLuaModule(module);
  const application: TestedApplication = {
    directory,
    entries,
    modules,
    config: new Config(config.sections, config.directory),
  };
  job = new OwnJob(application, {
    ...settings,
    ...(counting && { countLines: (own: LineCounts) => void counts.push(own) }),
  });
}

/** Fields of log records as they are reported: what cannot cross between threads is text. */
function sendable(seeded: SeededOutcome): SeededOutcome {
  const { outcome } = seeded;
  const text = JSON.stringify(
    outcome.failure ? outcome.logs : [],
    (_, value: unknown) => typeof value === "bigint" ? String(value) : value,
  );
  return { ...seeded, outcome: { ...outcome, logs: JSON.parse(text) } };
}

async function answer({ file, index }: ThreadTask): Promise<ThreadAnswer> {
  counts = [];
  try {
    if (index === undefined) return { cases: await job!.list(file), counts };
    return { outcome: sendable(await job!.run(file, index)), counts };
  } catch (error) {
    return { failure: WippyError.from(error).toJSON(), counts };
  }
}

self.onmessage = ({ data }) => {
  if ("settings" in data) begin(data);
  else void answer(data).then((done) => postMessage(done));
};
