/**
 * A runtime in a simulation that is dropped between two tasks, as by a power cut: the next one finds what its journal held at
 * that moment, and nothing else.
 * @module
 */
import { Database } from "bun:sqlite";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Config } from "../../src/app/config.ts";
import { Node } from "../../src/node/node.ts";
import { silentSink } from "../../src/observe/log.ts";
import type { Entry } from "../../src/registry/entry.ts";
import { Simulation } from "../../src/platform/simulation.ts";
import { unpack } from "../../src/vm/codec.ts";
import { LuaFloat, type LuaValue } from "../../src/vm/value.ts";
import { type HistoryEvent, unpackPlain } from "../../src/workflows/history/history.ts";
import { eventsIn } from "../journal-events.ts";
import { checkJournal } from "../../src/workflows/providers/sqlite/offline/check.ts";

/** What disturbs a program, by fractions (0 to 1000) of the tasks that it takes undisturbed. */
export interface Disturbance {
  /** The runtime is dropped after so many tasks of each life. */
  crashes: number[];
  /** A worker dies. */
  deaths: { after: number; worker: number }[];
  /** Runs that a worker keeps in memory. */
  cachedRuns: number;
}

export interface Outcome {
  result: unknown;
  /** What activities did: workflow id, label, value, idempotency token, attempt. */
  effects: string[][];
  /** Of each run, by workflow id and place in its chain: its commands and outcomes, sorted. */
  histories: Record<string, string[]>;
  /** What the journal's own check and the account of effects say. */
  faults: string[];
  tasks: number;
  crashed: number;
}

const modules = ["activity", "fs", "funcs", "time", "uuid", "workflow"];
const code = async (name: string, kind: string): Promise<Entry> => ({
  id: `app:${name}`,
  kind,
  meta: {},
  data: {
    source: await Bun.file(join(import.meta.dir, `${name}.lua`)).text(),
    method: "main",
    modules,
  },
});
const auto = { lifecycle: { auto_start: true, stop_timeout: "200ms" } };
const entries: Entry[] = [
  { id: "app:durable", kind: "workflow.host", meta: {}, data: auto },
  { id: "app:processes", kind: "process.host", meta: {}, data: auto },
  { id: "app:files", kind: "fs.directory", meta: {}, data: { directory: "." } },
  await code("program", "workflow.lua"),
  await code("ledger", "workflow.lua"),
  await code("effect", "function.lua"),
  await code("same", "function.lua"),
  await code("begin", "function.lua"),
  await code("await", "process.lua"),
];

/** A program that takes so many tasks never ends. */
const mostTasks = 30_000;

/** Lua values as JSON has them. */
function plain(value: LuaValue): unknown {
  if (value instanceof LuaFloat) return value.value;
  if (Array.isArray(value)) return value.map(plain);
  if (value instanceof Map) return plain(Object.fromEntries(value) as LuaValue);
  if (typeof value !== "object" || value === null || value instanceof Error) return value;
  return Object.fromEntries(Object.entries(value).map(([key, field]) => [key, plain(field)]));
}

/** Lives of one runtime after the other, each in a folder with the journal of the one before. */
class World {
  readonly #root = mkdtempSync(join(tmpdir(), "wippy-crashing-"));
  readonly #seed: number;
  readonly #workers: number;
  readonly #cachedRuns: number;
  #life = 0;
  #node!: Node;
  simulation!: Simulation;
  constructor(seed: number, workers: number, cachedRuns: number) {
    this.#seed = seed;
    this.#workers = workers;
    this.#cachedRuns = cachedRuns;
  }

  get #directory(): string {
    return join(this.#root, String(this.#life));
  }

  /** What activities have written, in all lives so far. */
  get effects(): string[][] {
    const path = join(this.#directory, "effects.txt");
    if (!existsSync(path)) return [];
    return readFileSync(path, "utf8").trimEnd().split("\n").map((line) => line.split("|"));
  }

  get journal(): string {
    return join(this.#directory, ".wippy/journal.db");
  }

  async begin(): Promise<void> {
    const seed = this.#seed + this.#life;
    const startTime = this.simulation ? this.simulation.now() + 1 : Date.UTC(2026, 0, 1);
    this.simulation = new Simulation({ seed, startTime });
    mkdirSync(this.#directory, { recursive: true });
    this.#node = await Node.start({
      entries: structuredClone(entries),
      config: Config.empty,
      directory: this.#directory,
      stateDir: join(this.#directory, ".wippy"),
      workers: this.#workers,
      inline: true,
      cachedRuns: this.#cachedRuns,
      simulation: this.simulation,
      log: silentSink,
    });
    await this.#node.launch();
  }

  call(program: unknown): Promise<unknown> {
    return this.#node.call("app:begin", [program as LuaValue]).then(plain);
  }

  kill(worker: number): void {
    this.#node.killWorker(worker);
  }

  /** Drops the halted runtime; the next life has its journal. */
  async drop(): Promise<void> {
    const [node, simulation, before] = [this.#node, this.simulation, this.#directory];
    this.#life++;
    cpSync(before, this.#directory, { recursive: true, filter: (path) => !path.endsWith("-shm") });
    simulation.resume();
    await node.stop();
    rmSync(before, { recursive: true });
  }

  async end(): Promise<void> {
    await this.#node.stop();
  }

  remove(): void {
    rmSync(this.#root, { recursive: true, force: true });
  }
}

/** Commands and outcomes of each run, without what an undisturbed run may have otherwise: numbers, tasks, attempts, times. */
function historiesOf(journal: string): Record<string, string[]> {
  const database = new Database(journal, { readonly: true });
  const ids = new Map(
    database.query<{ run: number; id: string }, []>("SELECT run, workflow_id AS id FROM runs").all()
      .map(({ run, id }) => [run, id]),
  );
  const events = eventsIn(database).toSorted((a, b) => a.run - b.run || a.id - b.id);
  database.close();
  const found: Record<string, string[]> = {};
  const chains = new Map<string, number[]>();
  for (const { run, data, ...row } of events) {
    const workflowId = ids.get(run)!;
    const chain = chains.get(workflowId) ?? [];
    if (!chain.includes(run)) chain.push(run);
    chains.set(workflowId, chain);
    const line = describe({ ...row, data: unpackPlain(data) } as HistoryEvent);
    if (line) (found[`${workflowId} ${chain.indexOf(run)}`] ??= []).push(line);
  }
  for (const lines of Object.values(found)) lines.sort();
  return found;
}

function describe({ type, time, data }: HistoryEvent): string | undefined {
  const values = (packed: Uint8Array | undefined) => {
    const text = JSON.stringify(packed && plain(unpack(packed))) ?? "";
    // Values of chance are checked by themselves.
    return text.replace(/"id [^"]*"/g, '"id"');
  };
  const failure = (of: { kind: string; message: string }) => `${of.kind} ${of.message}`;
  switch (type) {
    case "TaskStarted":
    case "TaskCompleted":
    case "TaskFailed":
      return undefined;
    case "ActivityScheduled": {
      // The value of chance that a step tells the world.
      const args = data.operation ? "" : values(data.args).replace(/,"[^"]*"\]$/, "");
      return `${type} ${data.entry} ${args}`;
    }
    case "ActivityCompleted":
      return `${type} ${values(data.value)}`;
    case "ActivityFailed":
    case "ActivityTimedOut":
    case "ActivityCanceled":
    case "ChildFailed":
    case "ChildCanceled":
      return `${type} ${failure(data.failure)}`;
    // A crash takes what a task had done of it; only its end is sure.
    case "LocalActivityScheduled":
      return undefined;
    case "LocalActivityRecorded": {
      if (data.backoff !== undefined) return undefined;
      return `${type} ${data.entry} ${data.failure ? failure(data.failure) : values(data.value)}`;
    }
    case "TimerStarted":
      return `${type} ${data.due - time}`;
    case "ExecutionSignaled":
      // Who is outside sends again in every life.
      if (!data.sender.startsWith("{app:durable|")) return undefined;
      return `${type} ${data.name} ${values(data.payloads)} ${data.sender}`;
    case "ChildInitiated":
      return `${type} ${data.workflowId} ${data.entry}`;
    case "ChildCompleted":
      return `${type} ${values(data.value)}`;
    case "ExternalSignalInitiated":
      return `${type} ${data.pid} ${data.name}`;
    case "VersionRecorded":
      return `${type} ${data.changeId} ${data.version}`;
    case "UpdateDelivered":
      return `${type} ${data.updateId} ${values(data.args)}`;
    case "UpdateRejected":
      return `${type} ${data.updateId} ${failure(data.failure)}`;
    case "UpdateCompleted":
      return `${type} ${data.updateId} ${values(data.value)}`;
    case "AttributesUpserted":
      return `${type} ${values(data.search)} ${values(data.memo)}`;
    default:
      return type;
  }
}

/** No attempt of an activity has its effect twice, and each has the value that its run goes on with. */
function effectFaults(effects: string[][], result: unknown): string[] {
  const faults: string[] = [];
  const made = new Set<string>();
  const values = new Map<string, string>();
  for (
    const [id, label, value, token, attempt] of effects as [
      string,
      string,
      string,
      string,
      string,
    ][]
  ) {
    if (made.has(`${token} ${attempt}`)) {
      faults.push(`attempt ${attempt} of ${label} was made twice`);
    }
    made.add(`${token} ${attempt}`);
    const key = `${id} ${label}`;
    if (values.get(key) !== undefined && values.get(key) !== value) {
      faults.push(`${label} was ${values.get(key)}, then ${value}`);
    }
    values.set(key, value);
  }
  const told = JSON.stringify(result);
  for (const value of values.values()) {
    // A run that was canceled keeps to itself what it saw.
    if (value !== "-" && !told.includes(`"id ${value}"`) && !told.includes("Canceled")) {
      faults.push(`${value} was told to the world and is not in the result`);
    }
  }
  return faults;
}

/**
 * Runs a program (`program.lua`), disturbed or not.
 *
 * @param tasks of the same program undisturbed
 */
export async function runProgram(
  program: unknown,
  seed: number,
  workers: number,
  { crashes, deaths, cachedRuns }: Disturbance,
  tasks = 0,
): Promise<Outcome> {
  const world = new World(seed, workers, cachedRuns);
  const at = (fraction: number) => 1 + Math.floor(fraction * tasks / 1000);
  let crashed = 0;
  try {
    await world.begin();
    const deadly = deaths.filter(({ worker }) => worker < workers).map(({ after, worker }) =>
      world.simulation.afterTasks(at(after), () => world.kill(worker))
    );
    let result: unknown;
    for (const crash of [...crashes, undefined]) {
      const { promise, resolve, reject } = Promise.withResolvers<"crashed">();
      const { simulation } = world;
      const watches = crash === undefined ? deadly : [
        ...deadly,
        simulation.afterTasks(at(crash), () => {
          simulation.halt();
          resolve("crashed");
        }),
      ];
      // A worker's death may take the call with it: who called calls again.
      watches.push(simulation.afterTasks(mostTasks, () => {
        simulation.halt();
        reject(new Error(`after ${mostTasks} tasks the program has not ended`));
      }));
      const work = (async () => {
        for (;;) {
          try {
            const result = await world.call(program);
            for (const callOff of watches) callOff();
            return { result };
          } catch (error) {
            if (!/worker \d+ was killed/.test(String(error))) throw error;
          }
        }
      })();
      work.catch(() => {});
      const ended = await Promise.race([promise, work]);
      if (ended !== "crashed") {
        ({ result } = ended);
        break;
      }
      crashed++;
      for (const callOff of watches) callOff();
      await world.drop();
      await world.begin();
    }
    const { tasks: taken } = world.simulation;
    await world.end();
    const { effects, journal } = world;
    return {
      result,
      effects,
      histories: historiesOf(journal),
      faults: [
        ...checkJournal(journal).faults.map((fault) => JSON.stringify(fault)),
        ...effectFaults(effects, result),
      ],
      tasks: taken,
      crashed,
    };
  } finally {
    world.remove();
  }
}

/** What is the same in every run of a program: chance and repeated attempts left out. */
export function essence({ result, effects, histories }: Outcome): unknown {
  const text = JSON.stringify(result).replace(/"id [^"]*"/g, '"id"');
  const done = new Set(effects.map(([id, label]) => `${id} ${label}`));
  return { result: JSON.parse(text), effects: [...done].sort(), histories };
}
