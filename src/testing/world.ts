/**
 * One application in a simulation, with a folder of its own for everything that it stores.
 * @module
 */
import { isUtf8 } from "node:buffer";
import { cpSync, existsSync, mkdirSync, rmSync } from "node:fs";
import { isAbsolute, join, normalize } from "node:path";
import type { Application } from "../app/app.ts";
import { Node } from "../node/node.ts";
import type { LogRecord } from "../observe/log.ts";
import { sleep } from "../platform/platform.ts";
import { Simulation } from "../platform/simulation.ts";
import type { Entry } from "../registry/entry.ts";
import type { PortlessRequest, PortlessResponse } from "../services/http/requested.ts";
import { unpack } from "../vm/codec.ts";
import type { KernelImage } from "../worker/image-file.ts";
import type { LineCounts } from "../worker/kernel.ts";
import { WippyError } from "../vm/error.ts";
import { isRecord } from "./record.ts";
import { ownEntries } from "./shared.ts";
import { asLua, type LuaValue, ofKernel } from "../vm/value.ts";
import {
  callLogger,
  doneTopic,
  httpFake,
  requestAddress,
  testHost,
  testName,
  testUnit,
} from "./library/library.ts";

/** The outcome of a workflow run. */
export interface RunOutcome {
  workflowId: string;
  entry: string;
  status: string;
  /** Its result or its error, as text. */
  outcome: string;
}

/** What a test needs of an application. */
export type TestedApplication = Pick<Application, "directory" | "entries" | "modules" | "config">;

/** What a world is made with. */
export interface WorldSettings {
  seed: number;
  /** Absolute path of a folder for temporary files, in which nobody else makes worlds. */
  folder: string;
  /** Whether a runtime may be dropped, and another one continue from what is on disk. @default "one" */
  lives?: "one" | "many";
  /** What the VMs are made from, if not from the kernel alone. */
  image?: KernelImage | undefined;
  /** Waits for what looks into a runtime, before it runs anything. */
  began?: (node: Node, simulation: Simulation) => Promise<void>;
  /** Is given the counts of each runtime at its end; the entries count by themselves. */
  countLines?: (counts: LineCounts) => void;
}

/** How one life of the world (from a start to a crash or the end) begins. */
export interface Life {
  /** @default the application's and those of the test */
  entries?: readonly Entry[];
  /** Milliseconds since the epoch. @default that of a simulation */
  startTime?: number;
}

/** What `requests.lua` sends, as JSON. */
interface SentRequest {
  /** Identifier of the server. */
  server: string;
  method: string;
  path: string;
  headers: Record<string, string>;
  /** In Base64. */
  body: string;
}

/** What it gets. */
interface ServedResponse {
  status: number;
  headers: Record<string, string>;
  cookies: Record<string, string>;
  /** In Base64. */
  body: string;
}

/** A response as `requests.lua` reads it: repeated headers are joined, cookies are there by name as well. */
function served({ status, headers, body }: PortlessResponse): ServedResponse {
  const all = new Headers(headers);
  const cookies = all.getSetCookie().map((cookie) => {
    const [, name = "", value = ""] = /^([^=;]*)=([^;]*)/.exec(cookie) ?? [];
    return [name.trim(), value.trim()];
  });
  return {
    status,
    headers: Object.fromEntries([...all.keys()].map((name) => [name, all.get(name) ?? ""])),
    cookies: Object.fromEntries(cookies),
    body: Buffer.from(body).toString("base64"),
  };
}

/** A body as Lua has it. */
function bytesOrText(bytes: Uint8Array): LuaValue {
  return isUtf8(bytes) ? new TextDecoder().decode(bytes) : bytes;
}

function isInside(path: unknown): path is string {
  return typeof path === "string" && !isAbsolute(path) && !normalize(path).startsWith("..");
}

/** Worlds so far. */
let worlds = 0;

/** Kinds of entries that hold nothing of the machine. A runtime that has only these may end anywhere. */
const withoutResources: ReadonlySet<string> = new Set([
  "function.lua",
  "library.lua",
  "ns.definition",
  "ns.dependency",
  "ns.requirement",
  "process.host",
  "process.lua",
  "registry.entry",
  "workflow.lua",
]);

/** Kinds of entries that store nothing and read no files. A runtime that has only these needs no folder. */
const withoutFiles: ReadonlySet<string> = new Set([
  ...withoutResources,
  "http.endpoint",
  "http.router",
  "http.service",
]);

/** Whether an entry needs a folder. Journals are files only for those that continue from them. */
function needsFolder({ kind }: Entry, { lives }: WorldSettings): boolean {
  return kind === "workflow.host" ? lives === "many" : !withoutFiles.has(kind);
}

/** The runtime of one test, over all its lives. */
export class World {
  readonly logs: LogRecord[] = [];
  /** Arguments of the calls of mocks, by id, over all lives. */
  readonly calls: Record<string, LuaValue[]> = {};
  readonly #application: TestedApplication;
  readonly #entries: readonly Entry[];
  readonly #settings: WorldSettings;
  /** What the paths of the folders of all lives begin with. */
  readonly #root: string;
  #life = 0;
  #halted = false;
  /** Whether the test has ended, after which nothing answers for it. */
  #ended = false;
  /** Whether there are folders. */
  #furnished = false;
  #node: Node | undefined;
  /** What reads the counts of the workers of this life. */
  #counts: (() => LineCounts)[] = [];
  #simulation: Simulation | undefined;

  constructor(
    application: TestedApplication,
    entries: readonly Entry[],
    settings: WorldSettings,
  ) {
    this.#application = application;
    this.#entries = [...application.entries, ...entries];
    this.#settings = settings;
    this.#root = join(settings.folder, `world-${++worlds}`);
  }

  get #directory(): string {
    return `${this.#root}-${this.#life}`;
  }

  get simulation(): Simulation {
    if (!this.#simulation) throw new WippyError("Internal", "the test's runtime has not begun");
    return this.#simulation;
  }

  get #running(): Node {
    if (!this.#node) throw new WippyError("Internal", "the test's runtime has not begun");
    return this.#node;
  }

  /** The entries as the test has left them. */
  get entries(): Entry[] {
    return [...this.#running.registry.versions.entries.values()];
  }

  /** Starts the runtime. @throws WippyError when it cannot start */
  async begin({ entries = this.#entries, startTime }: Life = {}): Promise<void> {
    if (entries.some((entry) => needsFolder(entry, this.#settings))) this.#furnish();
    const directory = this.#directory;
    const life = this.#life;
    this.#simulation = new Simulation({
      seed: this.#settings.seed + this.#life,
      traced: false,
      ...(startTime !== undefined && { startTime }),
    });
    this.#node = await Node.start({
      entries: ownEntries(entries),
      config: this.#application.config,
      modules: this.#application.modules,
      directory,
      stateDir: join(directory, ".wippy"),
      workers: 1,
      inline: true,
      simulation: this.#simulation,
      // A runtime that was dropped goes on until it has stopped, and nobody is to see that.
      log: {
        log: (record) => {
          if (life === this.#life) this.#log(record);
        },
      },
      output: () => {},
      portless: true,
      temporary: this.#settings.lives === "many" ? "file" : "memory",
      image: this.#settings.image,
      ...(this.#settings.countLines && { countLines: (read) => this.#counts.push(read) }),
      fetch: async (url, options) => {
        if (life === this.#life) return await this.#fetch(url, options);
        throw new WippyError("Unavailable", "the runtime has crashed");
      },
    });
    // What changes may need files.
    this.#node.bus.subscribe({ system: "registry", kind: "registry.begin" }, () => this.#furnish());
    await this.#settings.began?.(this.#node, this.#simulation);
    await this.#node.launch();
  }

  /** Copies the folders that the application reads below its own, so that a test may change the copies. */
  #furnish(): void {
    if (this.#furnished) return;
    this.#furnished = true;
    mkdirSync(this.#directory, { mode: 0o700 });
    for (const { kind, data } of this.#entries) {
      const path = kind === "fs.directory" || kind === "fs.embed"
        ? data["directory"]
        : kind === "env.storage.file"
        ? data["file_path"]
        : undefined;
      if (!isInside(path)) continue;
      const from = join(this.#application.directory, path);
      const skipped = join(this.#application.directory, ".wippy");
      if (!existsSync(from)) continue;
      cpSync(from, join(this.#directory, path), {
        recursive: true,
        filter: (file) =>
          file !== skipped && !file.endsWith("/node_modules") && !file.endsWith("/.git"),
      });
    }
  }

  /** Whether the test may answer requests: one that has neither mocks nor fakes goes without its name. */
  get #answers(): boolean {
    return this.#ended || this.#life > 0 || this.#running.control.knows(testName);
  }

  /** Asks the test for the response to a request. Without fakes, the request goes to the network. */
  async #fetch(url: string | URL, options: BunFetchRequestInit): Promise<Response> {
    const request = new Request(url, { ...options, signal: null });
    if (request.url === requestAddress) return Response.json(await this.#serve(request));
    const asked: Record<string, LuaValue> = {
      method: request.method,
      url: String(url),
      headers: Object.fromEntries(request.headers),
      body: bytesOrText(new Uint8Array(await request.arrayBuffer())),
    };
    const answer = this.#answers
      ? await this.simulation.within(this.#running.call(httpFake, [asked]))
      : undefined;
    if (!isRecord(answer)) return await fetch(url, options);
    const { status, headers, body } = answer;
    return new Response(
      status === 204 || status === 304
        ? null
        : body as string | Uint8Array<ArrayBuffer> | undefined,
      {
        ...(typeof status === "number" && { status }),
        ...(isRecord(headers) && { headers: headers as Record<string, string> }),
      },
    );
  }

  /** Has a server of the application serve a request of the test, see `requests.lua`. */
  async #serve(sent: Request): Promise<ServedResponse | { failure: object }> {
    const { server, method, path, headers, body } = await sent.json() as SentRequest;
    const request: PortlessRequest = {
      method,
      url: `http://localhost${path}`,
      headers: Object.entries(headers),
      body: Buffer.from(body, "base64"),
    };
    try {
      const asked = this.#running.ask(server, "request", asLua(request));
      return served(ofKernel<PortlessResponse>(await this.simulation.within(asked)));
    } catch (error) {
      const { kind, message } = WippyError.from(error);
      return { failure: { kind, message } };
    }
  }

  #log(record: LogRecord): void {
    const { logger, message, fields } = record;
    if (logger !== callLogger) this.logs.push(record);
    else (this.calls[message] ??= []).push(fields["args"] as LuaValue);
  }

  /** Runs the test, see `test.main`. @throws WippyError for failures other than the test's own */
  async run(given: Record<string, LuaValue>): Promise<LuaValue> {
    try {
      return await this.#running.exec(testUnit, testHost, [given]);
    } finally {
      this.#ended = true;
    }
  }

  /** Calls back after each task in which a journal has committed something. */
  afterCommits(callback: () => void): void {
    const { simulation } = this;
    let waiting = false;
    simulation.onCommit = () => {
      if (waiting) return;
      waiting = true;
      simulation.afterTasks(1, () => {
        waiting = false;
        callback();
      });
    };
  }

  /** The outcomes of all runs, in the order of their starts; undefined while one is open. */
  async outcomes(): Promise<RunOutcome[] | undefined> {
    const found: (RunOutcome & { started: number })[] = [];
    const { workflows } = this.#running;
    for (const host of workflows.hosts) {
      let cursor: string | undefined;
      do {
        const page = await workflows.list(host, {
          limit: 500,
          ...(cursor !== undefined && { cursor }),
        });
        cursor = page.cursor;
        for (const { workflowId, runId, entry, status, startTime } of page.runs) {
          if (status === "running") return undefined;
          const last = (await workflows.history(host, runId)).at(-1);
          const data = (last?.data ?? {}) as {
            value?: Uint8Array;
            failure?: { kind: string; message: string };
          };
          const outcome = data.failure
            ? `${data.failure.kind}: ${data.failure.message}`
            : Bun.inspect(data.value && unpack(data.value));
          found.push({ workflowId, entry, status, outcome, started: startTime });
        }
      } while (cursor !== undefined);
    }
    return found.sort((one, other) => one.started - other.started)
      .map(({ started: _, ...run }) => run);
  }

  /** Notifies the test after a crash that all runs have ended, as soon as it listens. */
  async tellDone(): Promise<void> {
    for (;;) {
      try {
        return await this.#running.control.send(testName, doneTopic, [true]);
      } catch (error) {
        if (WippyError.from(error).kind !== "NotFound") throw error;
        await sleep(this.simulation, 1);
      }
    }
  }

  /** Drops the halted runtime, as a power failure would; the next life has what was on disk. */
  async drop(): Promise<void> {
    const [node, before] = [this.#running, this.#directory];
    this.#count();
    this.#furnish();
    this.#life++;
    cpSync(before, this.#directory, { recursive: true, filter: (path) => !path.endsWith("-shm") });
    this.#resume();
    await node.stop();
    rmSync(before, { recursive: true });
  }

  /** Takes what the workers have counted. */
  #count(): void {
    for (const read of this.#counts.splice(0)) {
      try {
        this.#settings.countLines?.(read());
      } catch {
        // The VM has died, and its counts with it.
      }
    }
  }

  /** Stops the world where it is. */
  halt(): void {
    if (this.#halted) return;
    this.#halted = true;
    this.simulation.halt();
  }

  #resume(): void {
    if (this.#halted) this.simulation.resume();
    this.#halted = false;
  }

  /** Ends the runtime and removes everything that it stored. */
  async end(): Promise<void> {
    try {
      this.#count();
      if (this.#furnished || this.#entries.some(({ kind }) => !withoutResources.has(kind))) {
        this.#resume();
        await this.#node?.stop();
      } else {
        this.halt();
        this.#node?.drop();
      }
    } finally {
      if (this.#furnished) rmSync(this.#directory, { recursive: true, force: true });
    }
  }
}
