/**
 * Temporal's server, started for tests: one for each test file, which its tests share with namespaces or task queues of
 * their own. `scripts/temporal-server` fetches it the first time.
 * @module
 */
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { test } from "bun:test";
import { until } from "./until.ts";

const root = resolve(import.meta.dir, "..");

/** Where the program is, or why it is not. */
const found = (() => {
  const run = Bun.spawnSync([join(root, "scripts/temporal-server")], { timeout: 120_000 });
  const [program] = run.stdout.toString().trim().split("\n");
  return run.success && program ? { program } : { missing: "Temporal's server cannot be fetched" };
})();

/** Why there is no server on this machine; undefined where there is one. */
export const withoutTemporal: string | undefined = found.missing;

/** A test that needs the server; skipped, by a name that says so, where there is none. */
export const withTemporal: (name: string, run: () => Promise<void>, timeout?: number) => void =
  withoutTemporal === undefined
    ? test
    : (name) => test.skip(`${name} (skipped: ${withoutTemporal})`, () => {});

/** Waits that the server has by default are for clusters under load; tests wait for each of them. */
const tuning = [
  "history.transferProcessorMaxPollRPS=10000",
  "history.timerProcessorMaxPollRPS=10000",
  'history.timerProcessorMaxTimeShift="10ms"',
  "frontend.enableUpdateWorkflowExecution=true",
  "frontend.enableExecuteMultiOperation=true",
  "system.forceSearchAttributesCacheRefreshOnRead=true",
];

/** Has a program end with the test that started it, even where that is killed: the server takes 700 MB. */
const withParent = Bun.which("setpriv") === null ? [] : ["setpriv", "--pdeathsig", "KILL"];

/** A server that runs until it is stopped, and may be killed and started again. */
export class TemporalServer {
  #process: Bun.Subprocess | undefined;
  readonly #folder = mkdtempSync(join(tmpdir(), "wippy-temporal-"));

  private constructor(
    /** Of its gRPC. */
    readonly port: number,
    /** Namespaces, beside `default`. */
    readonly namespaces: readonly string[],
    /** Whether it keeps what it has in a file. */
    readonly durable: boolean,
    /** Search attributes of every namespace, with their types. */
    readonly attributes: Readonly<Record<string, string>>,
    /** Settings of its own, as `name=value`. */
    readonly config: readonly string[],
  ) {}

  get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  /** @param options `durable`: what it has outlives `kill` */
  static async start(
    { durable = false, namespaces = [], attributes = {}, config = [] }: {
      durable?: boolean;
      namespaces?: string[];
      attributes?: Record<string, string>;
      config?: string[];
    } = {},
  ): Promise<TemporalServer> {
    const port = await freePort();
    const server = new TemporalServer(port, namespaces, durable, attributes, config);
    await server.run();
    return server;
  }

  /** Starts it, after `kill` on the same port. */
  async run(): Promise<void> {
    if (!("program" in found)) throw new Error(withoutTemporal);
    const server = Bun.spawn(
      [
        ...[...withParent, found.program, "server", "start-dev", "--headless", "--ip", "127.0.0.1"],
        ...["--port", String(this.port), "--log-level", "error"],
        ...this.namespaces.flatMap((name) => ["--namespace", name]),
        ...Object.entries(this.attributes).flatMap((
          pair,
        ) => ["--search-attribute", pair.join("=")]),
        ...[...tuning, ...this.config].flatMap((setting) => ["--dynamic-config-value", setting]),
        ...this.durable
          ? [
            "--db-filename",
            join(this.#folder, "temporal.db"),
            "--sqlite-pragma",
            "journal_mode=wal",
          ]
          : [],
      ],
      {
        stdin: "ignore",
        stdout: "ignore",
        stderr: "ignore",
        env: { ...process.env, HOME: this.#folder },
      },
    );
    this.#process = server;
    await until(async () => {
      if (server.exitCode !== null) {
        throw new Error(`Temporal's server ended with ${server.exitCode}`);
      }
      return await this.command("operator", "cluster", "health").then((out) =>
        out.includes("SERVING")
      );
    });
  }

  /** Runs its command line against it and returns the output. */
  async command(...args: string[]): Promise<string> {
    if (!("program" in found)) throw new Error(withoutTemporal);
    const child = Bun.spawn([found.program, ...args, "--address", this.address], {
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
      env: { ...process.env, HOME: this.#folder },
    });
    const [out, err] = await Promise.all([
      new Response(child.stdout).text(),
      new Response(child.stderr).text(),
    ]);
    return await child.exited === 0 ? out : err;
  }

  /** Ends it as a crash would. */
  async kill(): Promise<void> {
    this.#process?.kill("SIGKILL");
    await this.#process?.exited;
  }

  async stop(): Promise<void> {
    await this.kill();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve) => probe.listen(0, "127.0.0.1", resolve));
  const { port } = probe.address() as { port: number };
  await new Promise((resolve) => probe.close(resolve));
  return port;
}
