import type { ProviderOptions } from "../../src/workflows/provider.ts";
import {
  connect,
  type Connection,
} from "../../src/workflows/providers/temporal/connection/connection.ts";
import { PayloadConverter } from "../../src/workflows/providers/temporal/payloads/payloads.ts";
import { duration } from "../../src/workflows/providers/temporal/proto.ts";
import { TemporalProvider } from "../../src/workflows/providers/temporal/temporal.ts";
import { TemporalServer, withoutTemporal } from "../temporal-server.ts";
import { until } from "../until.ts";
import type { Place, PlaceKind } from "./place.ts";
import { TemporalClock } from "./temporal-clock.ts";
import { temporalExceptions } from "./temporal-exceptions.ts";
import { VirtualMachine } from "./runtime.ts";

/** How many times as fast as the machine's the server's clock runs, as tests see it. */
const speed = 100;
/** The same for schedules, whose hours are twenty seconds of the server's: its schedules know only whole seconds. */
const scheduleSpeed = 180;
/** Milliseconds that a test of a schedule may take. */
const scheduleTimeout = 300_000;
/** Milliseconds that the server has for what a schedule does at an hour, before a test looks. */
const scheduleGrace = 1_000;
/** Milliseconds without a word between provider and server after which nothing is left to do. */
const shortQuiet = 200;
/** The same after time has passed: the server begins the runs of retries and schedules at whole seconds. */
const longQuiet = 1_200;
const longestQuiet = 5_000;
/** On a busy machine, of how many answers of the server the time has to pass without a word. */
const quietAnswers = 20;

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

/** The start of a clock whose first runtime has not been opened. */
const unset = 0;
const sharedClock = new TemporalClock(speed, Date.now());

/** The clock of a server, which tests can only wait for. */
class ServerMachine extends VirtualMachine {
  override readonly exact = false;

  override get time(): number {
    return sharedClock.now();
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

/** The clock for schedules: it stands where a test has brought it, with what the server does by then. */
class ScheduleMachine extends VirtualMachine {
  override readonly exact = false;
  #time: number;

  constructor(readonly clock: TemporalClock) {
    super();
    this.#time = clock.toVirtual(clock.start);
  }

  override get time(): number {
    return this.#time;
  }

  /** Only while there are no schedules. */
  override set time(time: number) {
    this.clock.start -= (time - this.#time) / this.clock.speed;
    this.#time = time;
  }

  override async advance(milliseconds: number): Promise<void> {
    this.#time += milliseconds;
    const left = this.clock.toReal(this.#time) + scheduleGrace - Date.now();
    // Sleeps because time itself is to pass, which it does at the server.
    if (left > 0) await Bun.sleep(left);
  }
}

/** A namespace of a server that runs as long as the tests do. */
export class TemporalPlace implements Place {
  readonly runsAhead = false;
  readonly #namespace: string;
  #provider: TemporalProvider | undefined;
  #spoken = performance.now();
  /** Milliseconds that an answer of the server takes, the last ones most of all. */
  #answerTime = 0;

  readonly #clock: TemporalClock;

  constructor(clock = sharedClock, namespace = namespaces[next++ % namespaces.length]!) {
    this.#clock = clock;
    this.#namespace = namespace;
  }

  /** A place for schedules: its clock starts at a whole second. */
  static ofSchedules(): TemporalPlace {
    return new TemporalPlace(new TemporalClock(scheduleSpeed, unset));
  }

  /** Starts the clock when the server works on the schedules of the namespace, which takes it seconds at first. */
  async #begin(connection: Connection): Promise<void> {
    const scheduleId = "first";
    const day = duration(86_400_000);
    await connection.rpc("createSchedule", {
      scheduleId,
      requestId: scheduleId,
      schedule: {
        spec: { interval: [{ interval: day }] },
        action: {
          startWorkflow: {
            workflowId: scheduleId,
            workflowType: { name: scheduleId },
            taskQueue: { name: scheduleId },
          },
        },
      },
    });
    // Its workflow answers.
    const answers = () =>
      connection.rpc("describeSchedule", { scheduleId }).then(() => true, () => false);
    await until(answers, Boolean, scheduleTimeout);
    await connection.rpc("deleteSchedule", { scheduleId });
    const second = 1_000;
    const clock = this.#clock;
    clock.start = Math.ceil((Date.now() + 1) / second) * second;
    // Sleeps because nothing may happen before its time begins.
    await Bun.sleep(clock.start - Date.now());
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
    const clock = this.#clock;
    const connection = await connect({ address, namespace: this.#namespace });
    if (this.#clock.start === unset) await this.#begin(connection);
    const rpc = connection.rpc.bind(connection);
    const polls = /^(poll|getWorkflowExecutionHistory$)/;
    // The server is as many times as fast.
    const told: Connection["rpc"] = async (name, request, options) => {
      const begun = performance.now();
      if (!polls.test(name)) this.#spoken = begun;
      const answer = await rpc(name, clock.outward(request), options);
      if (!polls.test(name)) this.#answerTime += (performance.now() - begun - this.#answerTime) / 4;
      const { taskToken } = answer as { taskToken?: Uint8Array };
      if (!polls.test(name) || taskToken?.length) this.#spoken = performance.now();
      return clock.inward(answer);
    };
    const prepare: Connection["prepare"] = (name, request) => (options) =>
      told(name, request, options);
    return Object.assign(connection, { rpc: told, prepare });
  }

  machine(): VirtualMachine {
    if (this.#clock !== sharedClock) return new ScheduleMachine(this.#clock);
    return new ServerMachine((quiet) => this.settle(quiet));
  }

  async settle(quiet = shortQuiet): Promise<void> {
    const from = this.#spoken = performance.now();
    quiet = Math.max(quiet, quietAnswers * this.#answerTime);
    for (;;) {
      const now = performance.now();
      if (now - this.#spoken >= quiet || now - from > longestQuiet) return;
      // Sleeps because that nothing is said for a while is what it waits for.
      await Bun.sleep(quiet - (now - this.#spoken));
    }
  }

  crashed(): Place {
    this.#provider?.abandon();
    return new TemporalPlace(this.#clock, this.#namespace);
  }

  faults(): string[] {
    return [];
  }

  remove(): void {}
}

/** Empty where there is no server to be had. */
export const temporalPlaces: PlaceKind[] = server
  ? [{
    name: "temporal",
    make: () => new TemporalPlace(),
    makeForSchedules: () => TemporalPlace.ofSchedules(),
    timeout: scheduleTimeout,
    exceptions: temporalExceptions,
  }]
  : [];
