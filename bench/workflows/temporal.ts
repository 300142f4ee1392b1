/**
 * The same runs of ten steps on Temporal's server by this runtime and by Temporal's TypeScript SDK on
 * Node, in turn: one alone, fifty at once, processor time of a step, and memory.
 *
 * The server is the development server, in memory and tuned: without that each step waits at the server for longer than
 * any client takes. It is a fresh one for each of them. Workflows of the SDK are bundled beforehand.
 * @module
 */
import { cpSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { temporaryFolder, wippy } from "../kernel/measurement/command.ts";
import {
  quantile,
  quick,
  report,
  rounds,
  wanted,
  withoutPeers,
} from "../kernel/measurement/measurement.ts";
import { watchProgram } from "./peers/watched.ts";
import { freePorts, startServer, until } from "./peers/peer.ts";
import { installSdk } from "./peers/temporal.ts";

const root = join(import.meta.dir, "../..");
const atOnce = 50;
const runs = quick ? 20 : 100;
const seconds = quick ? 3 : 10;

const settings = [
  "history.transferProcessorMaxPollRPS=10000",
  "history.timerProcessorMaxPollRPS=10000",
  'history.timerProcessorMaxTimeShift="10ms"',
];

/** What one round of a contestant gives. */
interface Round {
  /** Milliseconds of each run alone. */
  alone: number[];
  /** Runs per second with 50 in flight. */
  rate: number;
  /** Milliseconds of processor time of a step at fifty at once. */
  cpu: number;
  /** Most megabytes resident at fifty at once. */
  memory: number;
}

/** The words that start a contestant's program for "alone" or "together", with what follows that. */
type Program = (address: string, mode: string, ...rest: string[]) => string[];

async function round(program: Program): Promise<Round> {
  const alone = await onServer((address) =>
    watchProgram<number[]>(program(address, "alone", `${runs}`))
  );
  const together = await onServer((address) =>
    watchProgram<{ steps: number; seconds: number }>(
      program(address, "together", `${atOnce}`, `${seconds}`),
    )
  );
  const { steps, seconds: took } = together.answer;
  return {
    alone: alone.answer,
    rate: steps / 10 / took,
    cpu: together.cpu / steps,
    memory: together.memory / 1e6,
  };
}

async function onServer<Value>(use: (address: string) => Promise<Value>): Promise<Value> {
  const folder = temporaryFolder();
  const [port] = await freePorts(1);
  const address = `127.0.0.1:${port}`;
  const stop = startServer(
    [
      ...[server(), "server", "start-dev", "--headless", "--ip", "127.0.0.1", "--port", `${port}`],
      ...["--log-level", "error"],
      ...settings.flatMap((setting) => ["--dynamic-config-value", setting]),
    ],
    folder,
    { HOME: folder },
  );
  try {
    await until("Temporal's server", () => healthy(address));
    return await use(address);
  } finally {
    await stop();
  }
}

function healthy(address: string): boolean {
  const command = [server(), "operator", "cluster", "health", "--address", address];
  return Bun.spawnSync(command).stdout.includes("SERVING");
}

/** The path of the server. @throws where it cannot be fetched */
function server(): string {
  const { success, stdout, stderr } = Bun.spawnSync([join(root, "scripts/temporal-server")]);
  if (!success) throw new Error(`Temporal's server cannot be fetched: ${stderr}`);
  return stdout.toString().trim();
}

/** The application of the other benches, with a worker of the server in the place of its workflow host. */
function ours(): Program {
  const folder = temporaryFolder();
  cpSync(join(import.meta.dir, "app"), folder, { recursive: true });
  const index = join(folder, "src/_index.yaml");
  const text = readFileSync(index, "utf8");
  return (address, mode, ...rest) => {
    const worker = "temporal.worker\n    client: durable:temporal\n    task_queue: bench";
    const client = { name: "temporal", kind: "temporal.client", address };
    const moved = text.replace("workflow.host", worker).trimEnd();
    writeFileSync(index, `${moved}\n  - ${JSON.stringify(client)}\n`);
    const state = temporaryFolder();
    return [...wippy, "-C", folder, "run", "--state", state, mode, "remote", ...rest];
  };
}

/** Temporal's SDK. @throws where it cannot be had */
function sdk(): Program {
  const packages = installSdk();
  const program = join(import.meta.dir, "peers/temporal.mjs");
  return (address, ...words) => ["node", program, packages, address, "remote", ...words];
}

interface FigureOfServer {
  figure: string;
  unit: string;
  better: "lower" | "higher";
  n: number;
  /** Of the ratio to the SDK. */
  target: number;
  value(round: Round): number;
}

const figures: readonly FigureOfServer[] = [
  {
    figure: "temporal.ten_steps_p50",
    unit: "ms",
    better: "lower",
    n: runs,
    target: 1 / 0.7,
    value: ({ alone }) => quantile(alone, 0.5),
  },
  {
    figure: "temporal.runs_at_50",
    unit: "1/s",
    better: "higher",
    n: atOnce,
    target: 1.2,
    value: ({ rate }) => rate,
  },
  {
    figure: "temporal.cpu_a_step",
    unit: "ms",
    better: "lower",
    n: atOnce,
    target: 1 / 0.3,
    value: ({ cpu }) => cpu,
  },
  {
    figure: "temporal.memory",
    unit: "MB",
    better: "lower",
    n: atOnce,
    target: 2,
    value: ({ memory }) => memory,
  },
];

/** What there is to be had; undefined, with a word about it, where that fails. */
function had<Value>(name: string, get: () => Value): Value | undefined {
  try {
    return get();
  } catch (error) {
    console.error(`${name} is left out: ${(error as Error).message}`);
    return undefined;
  }
}

const asked = figures.filter(({ figure }) => wanted(figure));
if (asked.length > 0 && had("the bench of Temporal", server)) {
  const peer = withoutPeers ? undefined : had("Temporal's SDK", sdk);
  const mine = ours();
  const own: Round[] = [];
  const theirs: Round[] = [];
  for (let number = 1; number <= rounds; number++) {
    console.error(`ten steps on Temporal, round ${number} of ${rounds} …`);
    own.push(await round(mine));
    if (peer) theirs.push(await round(peer));
  }
  for (const { value, target, ...kind } of asked) {
    report(
      { ...kind, target: peer ? target : null },
      own.map(value),
      peer && { name: "temporal sdk", values: theirs.map(value) },
    );
  }
}
