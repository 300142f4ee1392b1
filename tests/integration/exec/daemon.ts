/**
 * A server that speaks the part of Docker's Engine API that runs containers. Its containers are programs of this
 * machine, whose outputs come in frames as Docker's do.
 * @module
 */
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { cleanAfterTest } from "../../cleanup.ts";

interface Container {
  body: Record<string, unknown>;
  socket?: Socket;
  child?: Bun.Subprocess<"pipe", "pipe", "pipe">;
  ended: PromiseWithResolvers<number>;
}

/** A daemon of a test. */
export class Daemon {
  readonly containers = new Map<string, Container>();
  /** Requests, as `METHOD /path`. */
  readonly requests: string[] = [];
  /** What a request is answered instead: a status and a message. */
  readonly refuse = new Map<string, [status: number, message: string]>();
  readonly #server: Server;
  readonly path: string;

  private constructor(path: string) {
    this.path = path;
    this.#server = createServer({ allowHalfOpen: true }, (socket) => this.#serve(socket));
  }

  /** Starts one on a socket of its own; it ends with the test. */
  static async start(): Promise<Daemon> {
    const folder = mkdtempSync(join(tmpdir(), "wippy-docker-"));
    const daemon = new Daemon(join(folder, "docker.sock"));
    const listening = Promise.withResolvers<void>();
    daemon.#server.listen(daemon.path, listening.resolve);
    await listening.promise;
    cleanAfterTest(() => {
      daemon.#server.close();
      for (const { child, socket } of daemon.containers.values()) {
        child?.kill("SIGKILL");
        socket?.destroy();
      }
      rmSync(folder, { recursive: true });
    });
    return daemon;
  }

  get running(): number {
    return [...this.containers.values()].filter(({ child }) =>
      child && child.exitCode === null && !child.killed
    )
      .length;
  }

  #serve(socket: Socket): void {
    let read = Buffer.alloc(0);
    socket.on("error", () => {});
    const take = (part: Buffer) => {
      read = Buffer.concat([read, part]);
      const end = read.indexOf("\r\n\r\n");
      if (end < 0) return;
      const head = read.subarray(0, end).toString();
      const length = Number(/^content-length: (\d+)/im.exec(head)?.[1] ?? 0);
      if (read.length < end + 4 + length) return;
      socket.off("data", take);
      const [method, target] = head.split(" ") as [string, string];
      const body = read.subarray(end + 4, end + 4 + length).toString();
      void this.#answer(socket, method, target, body === "" ? {} : JSON.parse(body));
    };
    socket.on("data", take);
  }

  async #answer(socket: Socket, method: string, target: string, body: Record<string, unknown>) {
    const url = new URL(target, "http://docker");
    const path = url.pathname.replace(/^\/v1\.\d+/, "");
    const [, , id, action] = path.split("/");
    const request = `${method} /${path.split("/")[1]}/${
      action ?? (id === "create" ? "create" : "")
    }`;
    this.requests.push(request + url.search);
    const reply = (status: number, value?: object) => {
      const text = value ? JSON.stringify(value) : "";
      socket.end(
        `HTTP/1.1 ${status} X\r\nContent-Length: ${text.length}\r\nConnection: close\r\n\r\n${text}`,
      );
    };
    const refused = this.refuse.get(request);
    if (refused) return reply(refused[0], { message: refused[1] });
    if (request === "POST /containers/create") {
      const made = `c${this.containers.size}`;
      this.containers.set(made, { body, ended: Promise.withResolvers() });
      return reply(201, { Id: made, Warnings: [] });
    }
    const container = this.containers.get(id ?? "");
    if (!container) return reply(404, { message: `No such container: ${id}` });
    if (action === "attach") return this.#attach(socket, container);
    if (action === "start") {
      this.#start(container);
      return reply(204);
    }
    if (action === "wait") return reply(200, { StatusCode: await container.ended.promise });
    if (action === "kill") {
      container.child?.kill(Number(url.searchParams.get("signal")));
      return reply(204);
    }
    if (method === "DELETE") return reply(204);
    reply(404, { message: "page not found" });
  }

  #attach(socket: Socket, container: Container): void {
    container.socket = socket;
    socket.write(
      "HTTP/1.1 101 UPGRADED\r\nContent-Type: application/vnd.docker.raw-stream\r\n" +
        "Connection: Upgrade\r\nUpgrade: tcp\r\n\r\n",
    );
    socket.on("data", (data: Buffer) => {
      const { stdin } = container.child ?? {};
      stdin?.write(new Uint8Array(data));
      void stdin?.flush();
    });
    socket.on("end", () => void container.child?.stdin.end());
  }

  #start(container: Container): void {
    const { socket, body } = container;
    const env = Object.fromEntries(
      (body["Env"] as string[]).map((text) => text.split("=") as [string, string]),
    );
    const child = Bun.spawn(body["Cmd"] as string[], {
      env,
      stdin: "pipe",
      stdout: "pipe",
      stderr: "pipe",
    });
    container.child = child;
    const copies = ([[1, child.stdout], [2, child.stderr]] as const).map(async ([kind, output]) => {
      const reader = output.getReader();
      for (let part = await reader.read(); !part.done; part = await reader.read()) {
        const head = Buffer.alloc(8);
        head[0] = kind;
        head.writeUInt32BE(part.value.length, 4);
        if (socket?.destroyed) return;
        const flushed = Promise.withResolvers<void>();
        socket?.once("close", flushed.resolve);
        socket?.write(head);
        socket?.write(part.value, () => flushed.resolve());
        await flushed.promise;
        socket?.off("close", flushed.resolve);
      }
    });
    void Promise.all([child.exited, ...copies]).then(() => {
      socket?.end();
      container.ended.resolve(child.exitCode ?? 137);
    });
  }
}
