/**
 * RabbitMQ from Debian, started for a test with a node, ports and folders of its own, and a way to it that can be cut.
 * @module
 */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect, createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

const program = "/usr/lib/rabbitmq/bin/rabbitmq-server";

/** Why there is no broker on this machine; undefined where there is one. */
export const withoutBroker: string | undefined =
  existsSync(program) && Bun.which("epmd") && Bun.which("openssl")
    ? undefined
    : "Debian's rabbitmq-server is not installed; run scripts/setup --peers";

/** A port that nobody listens at. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** A certificate for `localhost` that is its own authority. */
function makeCertificate(certificate: string, key: string): void {
  const { exitCode, stderr } = Bun.spawnSync([
    ...["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"],
    ...["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"],
    ...["-out", certificate, "-keyout", key],
  ]);
  if (exitCode !== 0) throw new Error(`openssl: ${stderr.toString()}`);
}

/** A broker that runs until it is stopped. */
export class Broker {
  private constructor(
    readonly port: number,
    /** Of TLS; its certificate is for `localhost`. */
    readonly securePort: number,
    readonly folder: string,
    readonly processes: Bun.Subprocess[],
  ) {}

  static async start(): Promise<Broker> {
    const folder = mkdtempSync(join(tmpdir(), "wippy-rabbit-"));
    const [port, distribution, names] = [await freePort(), await freePort(), await freePort()];
    const securePort = await freePort();
    const path = (name: string) => join(folder, name);
    writeFileSync(path("plugins"), "[].");
    writeFileSync(path("env"), "");
    makeCertificate(path("cert.pem"), path("key.pem"));
    writeFileSync(
      path("rabbit.conf"),
      [
        `listeners.ssl.1 = 127.0.0.1:${securePort}`,
        `ssl_options.cacertfile = ${path("cert.pem")}`,
        `ssl_options.certfile = ${path("cert.pem")}`,
        `ssl_options.keyfile = ${path("key.pem")}`,
        "ssl_options.verify = verify_none",
        "",
      ].join("\n"),
    );
    mkdirSync(path("home"));
    const env = {
      ...process.env,
      HOME: path("home"),
      ERL_EPMD_PORT: String(names),
      RABBITMQ_NODENAME: `wippy${process.pid}@localhost`,
      RABBITMQ_NODE_PORT: String(port),
      RABBITMQ_NODE_IP_ADDRESS: "127.0.0.1",
      RABBITMQ_DIST_PORT: String(distribution),
      RABBITMQ_MNESIA_BASE: path("mnesia"),
      RABBITMQ_LOG_BASE: path("log"),
      RABBITMQ_LOGS: "-",
      RABBITMQ_ENABLED_PLUGINS_FILE: path("plugins"),
      RABBITMQ_CONFIG_FILE: path("rabbit"),
      RABBITMQ_CONF_ENV_FILE: path("env"),
      RABBITMQ_PID_FILE: path("pid"),
    };
    // Of its own, since one that the node starts outlives it.
    const epmd = Bun.spawn(["epmd", "-port", String(names), "-address", "127.0.0.1"], {
      env,
      stdout: "ignore",
      stderr: "ignore",
    });
    const rabbit = Bun.spawn([program], { env, stdout: "pipe", stderr: "ignore" });
    let text = "";
    const decoder = new TextDecoder();
    const started = Promise.withResolvers<void>();
    void (async () => {
      for await (const chunk of rabbit.stdout) {
        text += decoder.decode(chunk);
        if (text.includes("Server startup complete")) started.resolve();
      }
      started.reject(new Error(`RabbitMQ did not start: ${text.slice(-2000)}`));
    })();
    const broker = new Broker(port, securePort, folder, [rabbit, epmd]);
    try {
      await started.promise;
    } catch (error) {
      await broker.stop();
      throw error;
    }
    return broker;
  }

  /** What its certificate is signed with, as PEM: itself. */
  get certificate(): string {
    return readFileSync(join(this.folder, "cert.pem"), "utf8");
  }

  async stop(): Promise<void> {
    for (const child of this.processes) {
      child.kill();
      await child.exited;
    }
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** A way to a port that a test cuts and restores. */
export class Wire {
  #server: Server | undefined;
  readonly #sockets = new Set<Socket>();
  port = 0;

  constructor(readonly target: number) {}

  /** Lets connections through. */
  async open(): Promise<void> {
    const server = this.#server = createServer((near) => {
      const far = connect(this.target, "127.0.0.1");
      for (const [socket, other] of [[near, far], [far, near]] as const) {
        this.#sockets.add(socket);
        socket.on("error", () => {});
        socket.on("close", () => {
          this.#sockets.delete(socket);
          other.destroy();
        });
        socket.pipe(other);
      }
    });
    server.listen(this.port, "127.0.0.1");
    await new Promise((resolve) => server.once("listening", resolve));
    this.port = (server.address() as { port: number }).port;
  }

  /** Breaks all connections, and takes no new ones. */
  async cut(): Promise<void> {
    const closed = new Promise((resolve) => this.#server?.close(resolve) ?? resolve(undefined));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
    this.#server = undefined;
  }
}
