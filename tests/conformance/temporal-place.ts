import { google } from "@temporalio/proto";
import type { ProviderOptions } from "../../src/workflows/provider.ts";
import {
  connect,
  type Connection,
} from "../../src/workflows/providers/temporal/connection/connection.ts";
import { PayloadConverter } from "../../src/workflows/providers/temporal/payloads/payloads.ts";
import { TemporalProvider } from "../../src/workflows/providers/temporal/temporal.ts";
import { TemporalServer, withoutTemporal } from "../temporal-server.ts";
import type { Place, PlaceKind } from "./place.ts";
import { temporalExceptions } from "./temporal-exceptions.ts";
import { VirtualMachine } from "./runtime.ts";

/** How many times as fast as the machine's the server's clock runs, as tests see it. */
const speed = 100;
/** Milliseconds without a word between provider and server after which nothing is left to do. */
const shortQuiet = 200;
/** The same after time has passed: the server begins the runs of retries and schedules at whole seconds. */
const longQuiet = 1_200;
const longestQuiet = 5_000;

/** Each place has a namespace of its own, all of which the server has from its start. */
const namespaces = Array.from({ length: 150 }, (_, index) => `place-${index}`);
/** Attributes that tests give to runs. */
const attributes = {
  city: "Keyword",
  state: "Keyword",
  region: "Keyword",
  ok: "Bool",
  tags: "KeywordList",
  n: "Int",
};
let next = 0;
// Before the tests: what a test starts ends with it when it takes too long.
const server = withoutTemporal === undefined
  ? await TemporalServer.start({ namespaces, attributes })
  : undefined;

const realStart = Date.now();
const virtualStart = Date.UTC(2026, 0, 1);
const toVirtual = (time: number) => virtualStart + (time - realStart) * speed;
const toReal = (time: number) => realStart + (time - virtualStart) / speed;

/** The clock of a server, which tests can only wait for. */
class ServerMachine extends VirtualMachine {
  override readonly exact = false;

  override get time(): number {
    return Math.floor(toVirtual(performance.timeOrigin + performance.now()));
  }

  override set time(_time: number) {
    throw new Error("the clock of a server cannot be set");
  }

  override setTimer(delay: number, callback: () => void): () => void {
    // Sleeps because it is a timer, at the speed of the server.
    const timer = setTimeout(callback, delay / speed);
    return () => clearTimeout(timer);
  }

  override async skip(milliseconds: number): Promise<void> {
    // Sleeps because time itself is to pass, which it does at the server.
    await Bun.sleep(milliseconds / speed);
  }

  override async advance(milliseconds: number): Promise<void> {
    const end = this.time + milliseconds;
    await this.settle();
    const left = (end - this.time) / speed;
    // Sleeps because time itself is to pass, which it does at the server.
    if (left > 0) await Bun.sleep(left);
    await this.settle(longQuiet);
  }

  constructor(readonly settle: (quiet?: number) => Promise<void>) {
    super();
  }
}

type Moment = { seconds: unknown; nanos?: number };
type Class = abstract new (...args: never) => Moment;
const Duration = google.protobuf.Duration.fromObject({}).constructor as Class;
const Timestamp = google.protobuf.Timestamp.fromObject({}).constructor as Class;

/** Times and durations of a message at another speed. */
function scaled(value: unknown, outward: boolean): unknown {
  if (value instanceof Duration) {
    const whole = Number(value.seconds) * 1_000 + (value.nanos ?? 0) / 1e6;
    return durationOf(outward ? whole / speed : whole * speed);
  }
  if (value instanceof Timestamp) {
    const time = Number(value.seconds) * 1_000 + (value.nanos ?? 0) / 1e6;
    return timestampOf(outward ? toReal(time) : toVirtual(time));
  }
  if (outward && typeof value === "string") return value.replace(instants, realInstant);
  if (value instanceof Uint8Array || typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map((item) => scaled(item, outward));
  if ("toInt" in value) return value;
  const target: Record<string, unknown> = Object.create(Object.getPrototypeOf(value));
  for (const [key, item] of Object.entries(value)) {
    target[key] = own.has(key) ? item : scaled(item, outward);
  }
  return target;
}

/** Times in queries. */
const instants = /(?<=")\d{4}-\d\d-\d\dT[\d:.]+Z(?=")/g;

function realInstant(instant: string): string {
  return new Date(toReal(Date.parse(instant))).toISOString();
}

/** What is not the test's. */
const own = new Set(["stickyAttributes", "fields"]);

function durationOf(milliseconds: number) {
  const seconds = Math.floor(milliseconds / 1_000);
  const nanos = Math.round((milliseconds - seconds * 1_000) * 1e6);
  return google.protobuf.Duration.fromObject({ seconds, nanos });
}

function timestampOf(time: number) {
  const seconds = Math.floor(time / 1_000);
  const nanos = Math.round((time - seconds * 1_000) * 1e6);
  return google.protobuf.Timestamp.fromObject({ seconds, nanos });
}

/** A namespace of a server that runs as long as the tests do. */
export class TemporalPlace implements Place {
  readonly runsAhead = false;
  readonly #namespace: string;
  #provider: TemporalProvider | undefined;
  #spoken = performance.now();

  constructor(namespace = namespaces[next++ % namespaces.length]!) {
    this.#namespace = namespace;
  }

  provider({ platform: _, transport: __, ...options }: ProviderOptions): TemporalProvider {
    return this.#provider = new TemporalProvider({
      ...options,
      connect: () => this.#connect(),
      conversion: new PayloadConverter(),
      hosts: [{ hostId: "app:workflows", taskQueue: "workflows" }],
    });
  }

  async #connect(): Promise<Connection> {
    const { address } = server!;
    const connection = await connect({ address, namespace: this.#namespace });
    const rpc = connection.rpc.bind(connection);
    const polls = /^(poll|getWorkflowExecutionHistory$)/;
    // The server is `speed` times as fast.
    const told: Connection["rpc"] = async (name, request, options) => {
      if (!polls.test(name)) this.#spoken = performance.now();
      const answer = await rpc(name, scaled(request, true) as typeof request, options);
      const { taskToken } = answer as { taskToken?: Uint8Array };
      if (!polls.test(name) || taskToken?.length) this.#spoken = performance.now();
      return scaled(answer, false) as typeof answer;
    };
    return Object.assign(connection, { rpc: told });
  }

  machine(): VirtualMachine {
    return new ServerMachine((quiet) => this.settle(quiet));
  }

  async settle(quiet = shortQuiet): Promise<void> {
    const from = this.#spoken = performance.now();
    for (;;) {
      const now = performance.now();
      if (now - this.#spoken >= quiet || now - from > longestQuiet) return;
      // Sleeps because that nothing is said for a while is what it waits for.
      await Bun.sleep(quiet - (now - this.#spoken));
    }
  }

  crashed(): Place {
    this.#provider?.abandon();
    return new TemporalPlace(this.#namespace);
  }

  faults(): string[] {
    return [];
  }

  remove(): void {}
}

/** Empty where there is no server to be had. */
export const temporalPlaces: PlaceKind[] = server
  ? [{ name: "temporal", make: () => new TemporalPlace(), exceptions: temporalExceptions }]
  : [];
