/** Connections to a real server, and to one that does what a test needs. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import {
  createSecureServer,
  createServer,
  type Http2Server,
  type IncomingHttpHeaders,
  type ServerHttp2Stream,
} from "node:http2";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TLSSocket } from "node:tls";
import {
  google,
  temporal,
} from "../../../../../src/workflows/providers/temporal/messages/messages.ts";
import {
  connect,
  type Connection,
  RpcError,
} from "../../../../../src/workflows/providers/temporal/connection/connection.ts";
import type { ConnectionSettings } from "../../../../../src/workflows/providers/temporal/connection/settings.ts";
import { cleanAfterTest } from "../../../../cleanup.ts";
import { cutProxy } from "../../../../integration/temporal/cut-proxy.ts";
import { TemporalServer, withoutTemporal, withTemporal } from "../../../../temporal-server.ts";
import { until } from "../../../../until.ts";

let server: TemporalServer;
let connection: Connection;

beforeAll(async () => {
  if (withoutTemporal !== undefined) return;
  // It closes connections every second, and gives their requests time.
  const config = [
    'frontend.keepAliveMaxConnectionAge="1s"',
    'frontend.keepAliveMaxConnectionAgeGrace="20s"',
  ];
  server = await TemporalServer.start({ config });
  connection = await connect({ address: server.address, namespace: "default" });
}, 60_000);

afterAll(async () => {
  connection?.close();
  await server?.stop();
});

/** What a promise is rejected with. */
async function refusal(promise: Promise<unknown>): Promise<unknown> {
  return await promise.then(() => undefined, (error) => error);
}

const start = (workflowId: string) =>
  connection.rpc("startWorkflowExecution", {
    workflowId,
    workflowType: { name: "x" },
    taskQueue: { name: "connection" },
    requestId: crypto.randomUUID(),
    workflowIdConflictPolicy: 1,
  });

withTemporal("a request is answered, with the namespace of the connection", async () => {
  const { namespaceInfo } = await connection.rpc("describeNamespace", {});
  expect(namespaceInfo?.name).toBe("default");
  await connection.check();
});

withTemporal("a refusal has the server's words and details", async () => {
  const { runId } = await start("twice");
  const error = await refusal(start("twice"));
  if (!(error instanceof RpcError)) throw new Error("it was not refused");
  expect(error).toMatchObject({ kind: "AlreadyExists", retryable: false, code: 6 });
  expect(error.detail("WorkflowExecutionAlreadyStartedFailure")?.runId).toBe(runId);
  expect(error.detail("NotFoundFailure")).toBeUndefined();
  const unknown = await refusal(
    connection.rpc("describeWorkflowExecution", { execution: { workflowId: "no" } }),
  );
  expect(unknown).toMatchObject({ kind: "NotFound", retryable: false });
});

withTemporal("the wait for an answer can be ended", async () => {
  const ended = new AbortController();
  await start("waits");
  const poll = connection.rpc("getWorkflowExecutionHistory", {
    execution: { workflowId: "waits" },
    waitNewEvent: true,
    historyEventFilterType: 2,
  }, { timeout: 60_000, signal: ended.signal });
  ended.abort(new Error("enough"));
  expect(await refusal(poll)).toMatchObject({ message: "enough" });
});

withTemporal("a server that closes its connections breaks no request", async () => {
  const polls = Array.from(
    { length: 5 },
    () =>
      refusal(connection.rpc("pollWorkflowTaskQueue", { taskQueue: { name: "empty" } }, {
        timeout: 2_500,
        retry: false,
      })),
  );
  let waiting = true;
  const ended = Promise.all(polls).finally(() => waiting = false);
  while (waiting) {
    await connection.rpc("getSystemInfo", {}, { retry: false });
    // Sleeps because the server refuses requests above a rate.
    await Bun.sleep(5);
  }
  // Each has waited as long as it was to.
  const failures = (await ended).filter((error) => error !== undefined);
  expect(failures.filter((error) => (error as RpcError).kind !== "Timeout")).toEqual([]);
}, 20_000);

test("a server that is not there is said so", async () => {
  const attempt = connect({ address: "127.0.0.1:9", namespace: "default", connectionTimeout: 500 });
  expect(await refusal(attempt)).toMatchObject({
    kind: expect.stringMatching(/Unavailable|Timeout/),
    retryable: true,
    message: expect.stringContaining("cannot reach Temporal at 127.0.0.1:9"),
  });
});

type Answering = (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => void;

/** A server that answers `GetSystemInfo`, and everything else as a test wants. */
async function stub(
  answer: Answering,
  make: () => Http2Server = createServer,
): Promise<string> {
  const http = make();
  http.on("stream", (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => {
    stream.on("error", () => {});
    if (String(headers[":path"]).endsWith("/GetSystemInfo")) ok(stream, new Uint8Array());
    else answer(stream, headers);
  });
  http.on("sessionError", () => {});
  await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
  cleanAfterTest(() => void http.close());
  return `127.0.0.1:${(http.address() as AddressInfo).port}`;
}

function ok(stream: ServerHttp2Stream, message: Uint8Array): void {
  stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
  stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
  const frame = Buffer.alloc(5 + message.length);
  frame.writeUInt32BE(message.length, 1);
  frame.set(message, 5);
  stream.end(frame);
}

function refuse(
  stream: ServerHttp2Stream,
  status: number,
  message: string,
  details?: Uint8Array,
): void {
  stream.respond({
    ":status": 200,
    "content-type": "application/grpc",
    "grpc-status": String(status),
    "grpc-message": message,
    ...details && { "grpc-status-details-bin": Buffer.from(details).toString("base64") },
  }, { endStream: true });
}

async function to(
  address: string,
  more: Partial<ConnectionSettings> = {},
): Promise<Connection> {
  const made = await connect({ address, namespace: "shop", ...more });
  cleanAfterTest(() => made.close());
  return made;
}

describe("a request", () => {
  test("says who asks, and of which namespace", async () => {
    const seen: IncomingHttpHeaders[] = [];
    const address = await stub((stream, headers) => {
      seen.push(headers);
      ok(stream, new Uint8Array());
    });
    const made = await to(address, { apiKey: "secret", identity: "first" });
    const shared = made.share("second");
    expect([made.identity, shared.identity, shared.share().identity]).toEqual([
      "first",
      "second",
      "second",
    ]);
    await made.rpc("listNamespaces", {});
    made.setApiKey("other");
    await made.rpc("listNamespaces", {});
    const own = { "temporal-namespace": "shop", "content-type": "application/grpc" };
    expect(seen).toMatchObject([
      { ...own, authorization: "Bearer secret" },
      { ...own, authorization: "Bearer other" },
    ]);
  });

  test("is sent again after a transient failure, unless it is not to be", async () => {
    let left = 2;
    const address = await stub((stream) =>
      left-- > 0 ? refuse(stream, 14, "not%20now: 100%") : ok(stream, new Uint8Array())
    );
    const made = await to(address);
    expect(await refusal(made.rpc("listNamespaces", {}, { retry: false }))).toMatchObject({
      kind: "Unavailable",
      message: "not%20now: 100%",
    });
    await made.rpc("listNamespaces", {});
    expect(left).toBe(-1);
  });

  test("is sent again while the server does not know the namespace yet", async () => {
    const type_url = "type.googleapis.com/temporal.api.errordetails.v1.NamespaceNotFoundFailure";
    const details = google.rpc.Status.encode({ code: 5, details: [{ type_url }] }).finish();
    let left = 2;
    const address = await stub((stream) =>
      left-- > 0
        ? refuse(stream, 5, "Namespace shop is not found.", details)
        : ok(stream, new Uint8Array())
    );
    const made = await to(address);
    // Not NotFound: that would say that a workflow is absent.
    expect(await refusal(made.rpc("listNamespaces", {}, { retry: false }))).toMatchObject({
      kind: "Unavailable",
      retryable: true,
      message: "Namespace shop is not found.",
    });
    await made.rpc("listNamespaces", {});
    expect(left).toBe(-1);
  });

  test("is not sent again when it is refused", async () => {
    let asked = 0;
    const address = await stub((stream) => {
      asked++;
      refuse(stream, 3, "no%20such%20thing");
    });
    const made = await to(address);
    expect(await refusal(made.rpc("listNamespaces", {}))).toMatchObject({
      kind: "Invalid",
      message: "no such thing",
    });
    expect(asked).toBe(1);
  });

  test("may have large messages", async () => {
    const { ListNamespacesResponse } = temporal.api.workflowservice.v1;
    const nextPageToken = new Uint8Array(3_000_000).fill(7);
    let sent = 0;
    const address = await stub((stream) => {
      stream.on("data", (chunk: Uint8Array) => sent += chunk.length);
      stream.on("end", () => ok(stream, ListNamespacesResponse.encode({ nextPageToken }).finish()));
    });
    const made = await to(address);
    const answers = await Promise.all(
      Array.from({ length: 4 }, () => made.rpc("listNamespaces", { nextPageToken })),
    );
    for (const answer of answers) expect(answer.nextPageToken).toEqual(nextPageToken);
    expect(sent).toBeGreaterThan(12_000_000);
  });

  test("has no answer that is larger than memory should be", async () => {
    let [asked, open] = [0, 0];
    const part = Buffer.alloc(2 ** 20);
    const address = await stub((stream) => {
      asked++;
      open++;
      stream.on("close", () => open--);
      stream.respond({ ":status": 200, "content-type": "application/grpc" });
      const more = () => {
        while (!stream.closed && stream.write(part));
      };
      stream.on("drain", more);
      more();
    });
    const made = await to(address);
    expect(await refusal(made.rpc("listNamespaces", {}))).toMatchObject({
      retryable: false,
      message: expect.stringMatching(/ListNamespaces is larger than 128 MiB$/),
    });
    await until(() => open === 0);
    expect(asked).toBe(1);
  }, 30_000);

  test("that is ended ends at the server", async () => {
    let open = 0;
    const address = await stub((stream) => {
      open++;
      stream.on("close", () => open--);
    });
    const made = await to(address);
    const ended = new AbortController();
    const waits = refusal(made.rpc("listNamespaces", {}, { signal: ended.signal }));
    await until(() => open === 1);
    ended.abort(new Error("enough"));
    expect(await waits).toMatchObject({ message: "enough" });
    await until(() => open === 0);
  });

  test("has an answer of gRPC", async () => {
    const address = await stub((stream) => stream.respond({ ":status": 502 }, { endStream: true }));
    const made = await to(address);
    expect(await refusal(made.rpc("listNamespaces", {}, { retry: false }))).toMatchObject({
      kind: "Unavailable",
      message: "the server answered with the HTTP status 502 instead of gRPC",
    });
  });
});

test("a server that limits the requests on a connection gets several", async () => {
  let connections = 0;
  const waiting: ServerHttp2Stream[] = [];
  const address = await stub((stream) => waiting.push(stream), () => {
    const http = createServer({ settings: { maxConcurrentStreams: 2 } });
    http.on("session", () => connections++);
    return http;
  });
  const made = await to(address);
  const requests = Array.from({ length: 5 }, () => made.rpc("listNamespaces", {}));
  await until(() => waiting.length === 5);
  expect(connections).toBeGreaterThan(1);
  for (const stream of waiting) ok(stream, new Uint8Array());
  await Promise.all(requests);
});

test("a server that does not answer is given up", async () => {
  const address = await stub(() => {});
  const proxy = await cutProxy(Number(address.split(":")[1]));
  const made = await to(proxy.address, { keepAlive: { time: 50, timeout: 1_500 } });
  proxy.swallow();
  const waits = made.rpc("listNamespaces", {}, { retry: false, timeout: 30_000 });
  expect(await refusal(waits)).toMatchObject({
    kind: "Unavailable",
    message: "the server was silent for 1500 ms",
  });
  proxy.mend();
  await made.check();
}, 30_000);

const withCertificates = Bun.which("openssl") ? describe : describe.skip;

withCertificates("TLS", () => {
  const folder = mkdtempSync(join(tmpdir(), "wippy-tls-"));
  const read = (name: string) => readFileSync(join(folder, name));

  beforeAll(() => {
    for (const name of ["server", "client"]) {
      const { exitCode, stderr } = Bun.spawnSync([
        ...["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"],
        ...["-subj", `/CN=${name}`, "-addext", "subjectAltName=DNS:temporal.test"],
        ...["-out", join(folder, `${name}.pem`), "-keyout", join(folder, `${name}.key`)],
      ]);
      if (exitCode !== 0) throw new Error(stderr.toString());
    }
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const secure = () => createSecureServer({ cert: read("server.pem"), key: read("server.key") });
  const refused = async (address: string, tls: NonNullable<ConnectionSettings["tls"]>) =>
    await refusal(connect({ address, namespace: "shop", connectionTimeout: 2_000, tls }));

  test("accepts the server's certificate by its authority and name", async () => {
    const address = await stub(() => {}, secure);
    const ca = read("server.pem");
    await to(address, { tls: { ca, serverName: "temporal.test" } });
    await to(address, { tls: { insecure: true } });
    for (
      const tls of [{}, { ca }, { ca, serverName: "other.test" }, {
        ca: read("client.pem"),
        serverName: "temporal.test",
      }]
    ) {
      expect(await refused(address, tls)).toMatchObject({
        kind: "Unavailable",
        message: expect.stringMatching(/cannot reach Temporal at .*(certificate|altnames|CERT)/i),
      });
    }
  });

  test("shows the certificate of the client", async () => {
    let shown = "";
    const address = await stub(() => {}, () => {
      const http = createSecureServer({
        cert: read("server.pem"),
        key: read("server.key"),
        ca: read("client.pem"),
        requestCert: true,
        rejectUnauthorized: true,
      });
      http.on("secureConnection", (socket: TLSSocket) => {
        shown = String(socket.getPeerCertificate().subject?.CN ?? "");
      });
      return http;
    });
    const tls = { ca: read("server.pem"), serverName: "temporal.test" };
    const client = { certificate: read("client.pem"), key: read("client.key") };
    await to(address, { tls: { ...tls, client } });
    expect(shown).toBe("client");
    expect(await refused(address, tls)).toMatchObject({ kind: "Unavailable" });
  });
});
