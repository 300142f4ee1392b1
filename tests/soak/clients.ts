/**
 * The clients of the load `network`, as a program of its own, so that all that the runtime's process has open is the
 * runtime's: `bun clients.ts URL SECONDS SEED` prints what they were answered.
 * @module
 */

/** What clients do. Each kind says how many of them run at once. */
export const kinds = {
  hello: 4,
  echo: 2,
  upload: 1,
  form: 1,
  download: 1,
  away: 3,
  events: 2,
  socket: 2,
  write: 4,
  shelf: 2,
  publish: 4,
  ask: 2,
} as const;

export type Kind = keyof typeof kinds;

/** What the clients were answered. */
export interface ClientsReport {
  /** By kind, what came out as it should. */
  done: Record<string, number>;
  /** Answers that say that the work was not done and why, by their text: the worker has died. */
  refused: Record<string, number>;
  /** Connections that were refused or ended because the process behind them had died with its worker. */
  withoutRoom: number;
  wrong: string[];
  /** Entries whose transaction was acknowledged, and those of which nothing may be there. */
  written: string[];
  never: string[];
  /** Keys whose `put` was acknowledged. */
  put: string[];
  /** Messages whose `publish` was acknowledged. */
  published: string[];
}

/** Milliseconds after which an answer is taken to never come. */
const patience = 20_000;
/** What may be the matter in a runtime whose workers are killed: also a request to itself that broke off. */
const honest = /worker \d+ was killed|connection was closed before the response was complete/;
const mostWrong = 20;

class Clients {
  readonly report: ClientsReport = {
    done: {},
    refused: {},
    withoutRoom: 0,
    wrong: [],
    written: [],
    never: [],
    put: [],
    published: [],
  };

  constructor(readonly url: string, readonly end: number, readonly seed: number) {}

  done(kind: string): void {
    this.report.done[kind] = (this.report.done[kind] ?? 0) + 1;
  }

  refuse(text: string): void {
    const known = text.replaceAll(/\d+/g, "N").slice(0, 100);
    this.report.refused[known] = (this.report.refused[known] ?? 0) + 1;
  }

  wrong(what: string): void {
    if (this.report.wrong.length < mostWrong) this.report.wrong.push(what.slice(0, 300));
  }

  /** Runs every client until the end. */
  async run(): Promise<void> {
    const clients = Object.entries(kinds).flatMap(([kind, count]) =>
      Array.from({ length: count }, (_, index) => new Client(this, kind as Kind, index))
    );
    await Promise.all(clients.map((client) => client.run()));
  }
}

/** The bytes that the server expects of an upload. */
const pattern = Uint8Array.from({ length: 4 << 20 }, (_, position) => position % 251);

class Client {
  readonly #clients: Clients;
  readonly #kind: Kind;
  readonly #name: string;
  #state: number;
  #count = 0;

  constructor(clients: Clients, kind: Kind, index: number) {
    this.#clients = clients;
    this.#kind = kind;
    this.#name = `${clients.seed}-${kind}${index}`;
    this.#state = Bun.hash.crc32(this.#name);
  }

  /** From 0 to less than `below`; the same seed makes the same choices. */
  #random(below: number): number {
    this.#state = (Math.imul(this.#state, 1_103_515_245) + 12_345) >>> 0;
    return (this.#state >>> 8) % below;
  }

  async run(): Promise<void> {
    while (performance.now() < this.#clients.end) {
      this.#count += 1;
      try {
        await this[this.#kind](`${this.#name}-${this.#count}`);
      } catch (error) {
        this.#clients.wrong(`${this.#kind}: ${error}`);
      }
      await Bun.sleep(this.#random(8));
    }
  }

  /** Whether a request was answered with 200 and this text; else it was refused, honestly or not. */
  async #expect(path: string, wanted: string | RegExp, init: RequestInit = {}): Promise<boolean> {
    const answered = await fetch(this.#clients.url + path, {
      signal: AbortSignal.timeout(patience),
      ...init,
    });
    const text = await answered.text();
    const fits = typeof wanted === "string" ? text === wanted : wanted.test(text);
    if (answered.status === 200 && fits) return true;
    if (answered.status >= 500 && honest.test(text)) {
      this.#clients.refuse(`${answered.status} ${text}`);
    } else {
      this.#clients.wrong(`${path.slice(0, 60)}: ${answered.status} ${text.slice(0, 200)}`);
    }
    return false;
  }

  async #simple(path: string, wanted: string | RegExp, init: RequestInit = {}): Promise<void> {
    if (await this.#expect(path, wanted, init)) this.#clients.done(this.#kind);
  }

  hello(): Promise<void> {
    return this.#simple("/hello", "hello");
  }

  echo(id: string): Promise<void> {
    const body = JSON.stringify({ id, list: [1, 2.5, "é"] });
    return this.#simple("/echo", new RegExp(`^(?=.*"${id}").*\\[1,2\\.5,"é"\\]`), {
      method: "POST",
      body,
    });
  }

  /** A body in parts of which nobody knows how many come. */
  upload(): Promise<void> {
    const size = 1_000_000 + this.#random(3_000_000);
    const body = new ReadableStream<Uint8Array>({
      type: "bytes",
      start(controller) {
        for (let at = 0; at < size; at += 100_000) {
          controller.enqueue(pattern.slice(at, Math.min(size, at + 100_000)));
        }
        controller.close();
      },
    });
    return this.#simple("/upload", `{"size":${size}}`, { method: "POST", body });
  }

  form(): Promise<void> {
    const size = 100_000 + this.#random(900_000);
    const body = new FormData();
    body.append("file", new Blob([pattern.subarray(0, size)]), "pattern");
    return this.#simple("/form", `{"size":${size}}`, { method: "POST", body });
  }

  /** A response may break off when its worker dies, but it must not look whole then. */
  async download(): Promise<void> {
    const parts = 16 + this.#random(64);
    const response = await fetch(`${this.#clients.url}/download?parts=${parts}`, {
      signal: AbortSignal.timeout(patience),
    });
    let body: Uint8Array;
    try {
      body = new Uint8Array(await response.arrayBuffer());
    } catch (error) {
      if ((error as Error).name === "TimeoutError") throw error;
      return this.#clients.refuse("a response broke off");
    }
    const text = () => new TextDecoder().decode(body.subarray(0, 200));
    if (response.status === 200 && body.length === parts * 65536) {
      this.#clients.done("download");
    } else if (response.status >= 500 && honest.test(text())) {
      this.#clients.refuse(`${response.status} ${text()}`);
    } else {
      this.#clients.wrong(`download: ${response.status}, ${body.length} of ${parts} parts`);
    }
  }

  /** Goes away while it is answered, or while it sends. */
  async away(id: string): Promise<void> {
    const { url } = this.#clients;
    const hold = `/write?how=hold&id=${id}`;
    const [path, init] = [
      ["/slow", {}],
      [hold, { method: "POST" }],
      ["/download?parts=1000", {}],
      ["/ask?how=slow", {}],
      ["/upload", { method: "POST", body: pattern }],
    ][this.#random(5)] as [string, RequestInit];
    if (path === hold) this.#clients.report.never.push(id);
    const controller = new AbortController();
    // Whoever holds a transaction keeps all others from writing.
    setTimeout(() => controller.abort(), this.#random(path === hold ? 10 : 60));
    try {
      const response = await fetch(url + path, { ...init, signal: controller.signal });
      const text = await response.text();
      if (response.status >= 500 && honest.test(text)) {
        this.#clients.refuse(`${response.status} ${text}`);
      } else if (path !== "/upload") {
        this.#clients.wrong(`${path} was answered: ${response.status} ${text.slice(0, 200)}`);
      }
    } catch (error) {
      if (!controller.signal.aborted) {
        if (!/download|ask/.test(path)) throw error;
        return this.#clients.refuse("a response broke off");
      }
    }
    this.#clients.done("away");
  }

  async events(): Promise<void> {
    const { url } = this.#clients;
    const response = await fetch(`${url}/events`, { signal: AbortSignal.timeout(patience) });
    if (response.status !== 200) {
      const text = await response.text();
      if (response.status === 503 && text === "there is no room") {
        this.#clients.report.withoutRoom += 1;
      } else if (response.status === 500 && honest.test(text)) {
        this.#clients.refuse(`500 ${text}`);
      } else {
        this.#clients.wrong(`events: ${response.status} ${text}`);
      }
      return;
    }
    const events = response.body!.pipeThrough(new TextDecoderStream()).getReader();
    const wanted = this.#random(6);
    let seen = "";
    while ((seen.match(/event: tick/g) ?? []).length < wanted) {
      const { value, done } = await events.read();
      if (done || seen.includes("event: done")) {
        if (!/target process exited/.test(seen)) this.#clients.wrong(`events ended: ${seen}`);
        this.#clients.report.withoutRoom += 1;
        return;
      }
      seen += value;
    }
    await events.cancel();
    this.#clients.done("events");
  }

  async socket(id: string): Promise<void> {
    const socket = new WebSocket(`${this.#clients.url.replace("http", "ws")}/socket`);
    const ended = Promise.withResolvers<CloseEvent>();
    const echoed = Promise.withResolvers<string>();
    const late = setTimeout(() => socket.close(4000, "no answer"), patience);
    let opened = false;
    socket.onopen = () => {
      opened = true;
      socket.send(id);
    };
    socket.onmessage = ({ data }) => echoed.resolve(String(data));
    socket.onclose = ended.resolve;
    const leavesEarly = this.#random(4) === 0;
    const first = await Promise.race([
      leavesEarly ? Bun.sleep(this.#random(20)) : echoed.promise,
      ended.promise,
    ]);
    clearTimeout(late);
    if (typeof first === "object") {
      const { code, reason } = first;
      // A socket does not say why its handshake was refused.
      if (opened && reason !== "target process exited") {
        this.#clients.wrong(`socket: ${code} ${reason}`);
      }
      this.#clients.report.withoutRoom += 1;
      return;
    }
    if (typeof first === "string" && !first.includes(`"${id}"`)) {
      this.#clients.wrong(`socket: ${first} for ${id}`);
    }
    socket.close();
    await ended.promise;
    this.#clients.done("socket");
  }

  async write(id: string): Promise<void> {
    const { report } = this.#clients;
    const how = ["rollback", "raise", "leave", "cancel"][this.#random(10)] ?? "commit";
    if (how !== "commit") report.never.push(id);
    const path = `/write?id=${id}&how=${how}`;
    if (how === "raise") {
      const response = await fetch(this.#clients.url + path, {
        method: "POST",
        signal: AbortSignal.timeout(patience),
      });
      const text = await response.text();
      if (response.status === 500 && text.includes("told to fail")) {
        this.#clients.done("write");
      } else if (response.status >= 500 && honest.test(text)) {
        this.#clients.refuse(`${response.status} ${text}`);
      } else {
        this.#clients.wrong(`${path}: ${response.status} ${text}`);
      }
    } else if (await this.#expect(path, "ended", { method: "POST" })) {
      if (how === "commit") report.written.push(id);
      this.#clients.done("write");
    }
  }

  async shelf(id: string): Promise<void> {
    if (!await this.#expect(`/shelf?key=${id}`, "put", { method: "POST" })) return;
    this.#clients.report.put.push(id);
    await this.#simple(`/shelf?key=${id}`, new RegExp(`"key":"${id}"`));
  }

  async publish(id: string): Promise<void> {
    const queue = this.#count % 2 === 0 ? "memory" : "sqlite";
    const path = `/publish?queue=${queue}&id=${id}&n=${this.#random(1000)}`;
    if (!await this.#expect(path, "published", { method: "POST" })) return;
    this.#clients.report.published.push(id);
    this.#clients.done("publish");
  }

  ask(): Promise<void> {
    const ways = ["hello", "echo", "batch", "whole", "part", "late"];
    return this.#simple(`/ask?how=${ways[this.#random(ways.length)]}`, "fine");
  }
}

if (import.meta.main) {
  const [url, seconds, seed] = Bun.argv.slice(2);
  const clients = new Clients(url!, performance.now() + Number(seconds) * 1000, Number(seed));
  await clients.run();
  await Bun.write(Bun.stdout, JSON.stringify(clients.report));
  // Sockets of a pool are no reason to stay.
  process.exit();
}
