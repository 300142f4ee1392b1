/** The parts of HTTP/2 that a server of Temporal's seldom shows. */
import { describe, expect, test } from "bun:test";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import {
  flags,
  type Frame,
  FrameReader,
  FrameWriter,
  preface,
  types,
} from "../../../../../src/workflows/providers/temporal/connection/http2/frames.ts";
import {
  type Header,
  HeaderReader,
  HeaderWriter,
} from "../../../../../src/workflows/providers/temporal/connection/http2/hpack.ts";
import { Http2Connection } from "../../../../../src/workflows/providers/temporal/connection/http2/http2.ts";
import { cleanAfterTest } from "../../../../cleanup.ts";
import { until } from "../../../../until.ts";

const hex = (text: string) => Buffer.from(text.replaceAll(" ", ""), "hex");

describe("headers", () => {
  test("of the examples of RFC 7541 are read, with their table", () => {
    const reader = new HeaderReader();
    const get = { ":method": "GET", ":scheme": "http", ":path": "/" };
    const authority = { ":authority": "www.example.com" };
    expect(reader.read(hex("8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff")))
      .toEqual({ ...get, ...authority });
    expect(reader.read(hex("8286 84be 5886 a8eb 1064 9cbf")))
      .toEqual({ ...get, ...authority, "cache-control": "no-cache" });
    expect(reader.read(hex("8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf"))).toEqual(
      {
        ":method": "GET",
        ":scheme": "https",
        ":path": "/index.html",
        ...authority,
        "custom-key": "custom-value",
      },
    );
  });

  test("that no longer fit into the table leave it", () => {
    const reader = new HeaderReader();
    // A table of 64 bytes, then two entries of 34 and 35 bytes.
    reader.read(hex("3f21 4001 61 01 62"));
    expect(reader.read(hex("be"))).toEqual({ a: "b" });
    reader.read(hex("4001 63 02 6465"));
    expect(reader.read(hex("be"))).toEqual({ c: "de" });
    expect(() => reader.read(hex("bf"))).toThrow("there is no header with the index 63");
  });

  test("are written shorter when they come again, if the reader has room", () => {
    const list = (path: string): Header[] => [
      [":method", "POST"],
      [":path", path],
      ["x-long", "ä".repeat(100)],
    ];
    const lists = [list("/a"), list("/b")];
    const once: Header[] = [["grpc-timeout", "10000m"]];
    const expected: Record<string, string>[] = lists.map((of) => ({
      ...Object.fromEntries(of),
      ...Object.fromEntries(once),
    }));
    for (const room of [undefined, 65_536, 100, "unknown"] as const) {
      const writer = new HeaderWriter();
      const reader = new HeaderReader();
      const write = () =>
        lists.map((headers, at) => {
          const bytes = writer.write(headers, once);
          const read = reader.read(bytes);
          expect(Buffer.from(read["x-long"]!, "latin1").toString()).toBe("ä".repeat(100));
          const whole: Record<string, string> = { ...read, "x-long": "ä".repeat(100) };
          expect(whole).toEqual(expected[at]!);
          return bytes.length;
        });
      write();
      if (room !== "unknown") writer.allow(room);
      const first = write();
      const second = write();
      const third = write();
      expect(third).toEqual(second);
      if (room === undefined || room === 65_536) {
        expect(first[0]).toBeGreaterThan(200);
        expect(second).toEqual([24, 24]);
      } else if (room === 100) {
        // The reader is told, once, that its table stays empty.
        expect(second).toEqual([first[0]! - 1, first[1]!]);
      } else expect(second).toEqual(first);
    }
    const full = new HeaderWriter();
    const reader = new HeaderReader();
    full.allow(undefined);
    for (let count = 0; count < 200; count++) {
      const headers: Header[] = [[`name-${count % 100}`, "a value of some length"]];
      expect(reader.read(full.write(headers, []))).toEqual(Object.fromEntries(headers));
    }
  });

  test("go on without the table of a reader that takes it back", () => {
    const writer = new HeaderWriter();
    writer.allow(undefined);
    const list: Header[] = [["a", "b"]];
    expect(Buffer.from(writer.write(list, [])).toString("hex")).toBe("4001610162");
    expect(Buffer.from(writer.write(list, [])).toString("hex")).toBe("be");
    writer.allow(0);
    expect(Buffer.from(writer.write(list, [])).toString("hex")).toBe("200001610162");
    writer.allow(undefined);
    expect(Buffer.from(writer.write(list, [])).toString("hex")).toBe("0001610162");
  });

  test.each([
    "41",
    "4105 61",
    "c0",
    "80",
    "ff ffff ffff ff",
    "3fe2 1f",
    "0081 ff 00",
    "0081 00 00",
  ])(
    "that are damaged are refused: %s",
    (bytes) => expect(() => new HeaderReader().read(hex(bytes))).toThrow(RangeError),
  );
});

/** A server that says what a test wants. */
class Scripted {
  readonly frames: Frame[] = [];
  readonly #reader = new FrameReader();
  #greeting = preface.length;

  constructor(readonly socket: Socket) {
    socket.on("error", () => {});
    socket.on("data", (chunk: Buffer) => {
      const skipped = Math.min(this.#greeting, chunk.length);
      this.#greeting -= skipped;
      this.frames.push(...this.#reader.read(chunk.subarray(skipped)));
    });
  }

  send(type: number, flag: number, stream: number, content: Uint8Array): void {
    const writer = new FrameWriter();
    writer.frame(type, flag, stream, content);
    this.socket.write(writer.take());
  }

  of(type: number): Frame[] {
    return this.frames.filter((frame) => frame.type === type);
  }
}

/** What has become of a request. */
interface Outcome {
  headers: Record<string, string>;
  body: string;
  closed: boolean;
  cancel: () => void;
}

async function scripted(greeting: (server: Scripted) => void = () => {}) {
  const { promise, resolve } = Promise.withResolvers<Scripted>();
  const listener = createServer((socket) => {
    const server = new Scripted(socket);
    greeting(server);
    resolve(server);
  });
  await new Promise<void>((done) => listener.listen(0, "127.0.0.1", done));
  const events: string[] = [];
  const socket = connect((listener.address() as AddressInfo).port, "127.0.0.1");
  const connection = new Http2Connection(socket, "connect", {
    retired: (why) => {
      events.push(why);
      connection.end(why);
    },
    closed: () => events.push("closed"),
  });
  cleanAfterTest(() => {
    connection.destroy("the test is over");
    listener.close();
  });
  const request = (body = ""): Outcome => {
    const outcome: Outcome = { headers: {}, body: "", closed: false, cancel: () => {} };
    outcome.cancel = connection.request([[":path", "/"]], [], Buffer.from(body), {
      headers: (headers) => Object.assign(outcome.headers, headers),
      data: (part) => outcome.body += Buffer.from(part).toString(),
      closed: () => outcome.closed = true,
    });
    return outcome;
  };
  return { connection, server: await promise, request, events };
}

const settingsOf = (...pairs: readonly [number, number][]) => {
  const bytes = Buffer.alloc(6 * pairs.length);
  for (const [at, [name, value]] of pairs.entries()) {
    bytes.writeUInt16BE(name, 6 * at);
    bytes.writeUInt32BE(value, 6 * at + 2);
  }
  return bytes;
};
const usual = (server: Scripted) => server.send(types.settings, 0, 0, settingsOf());
const number = (...values: number[]) => {
  const bytes = Buffer.alloc(4 * values.length);
  for (const [at, value] of values.entries()) bytes.writeUInt32BE(value, 4 * at);
  return bytes;
};

test("headers in parts, filled-up frames and unknown ones are understood", async () => {
  const { server, request } = await scripted(usual);
  const made = request();
  await until(() => server.of(types.data).length === 1);
  const block = hex("88 4001 61 01 62");
  const padded = Buffer.concat([
    Buffer.from([3]),
    number(0),
    hex("00"),
    block.subarray(0, 3),
    hex("000000"),
  ]);
  server.send(types.headers, flags.padded | flags.priority, 1, padded);
  server.send(types.continuation, flags.endHeaders, 1, block.subarray(3));
  server.send(0x77, 0xff, 1, Buffer.from("?"));
  server.send(types.data, flags.padded, 1, hex("02 6869 0000"));
  server.send(types.data, 0, 1, Buffer.alloc(0));
  server.send(types.headers, flags.endHeaders | flags.endStream, 1, hex("4001 78 01 79"));
  await until(() => made.closed);
  expect(made).toMatchObject({ headers: { ":status": "200", a: "b", x: "y" }, body: "hi" });
});

test("a body waits for the windows of its stream and of the connection", async () => {
  const { server, request, connection } = await scripted((fresh) =>
    fresh.send(types.settings, 0, 0, settingsOf([4, 10]))
  );
  const sent = () => server.of(types.data).reduce((sum, { content }) => sum + content.length, 0);
  // Its answer follows the settings.
  const first = Promise.withResolvers<void>();
  connection.ping(first.resolve);
  await until(() => server.of(types.ping).length === 1);
  server.send(types.ping, flags.answer, 0, Buffer.alloc(8));
  await first.promise;
  const made = request("x".repeat(100_000));
  await until(() => sent() === 10);
  server.send(types.window, 0, 1, number(20));
  await until(() => sent() === 30);
  // Settings change the windows of streams that are open.
  server.send(types.settings, 0, 0, settingsOf([4, 1_000_000]));
  await until(() => sent() === 65_535);
  server.send(types.window, 0, 0, number(100_000));
  await until(() => sent() === 100_000);
  const parts = server.of(types.data);
  expect(parts.filter(({ flags: flag }) => flag & flags.endStream)).toEqual([parts.at(-1)!]);
  // A server may answer before it has everything.
  const other = request("x".repeat(1_000_000));
  server.send(types.headers, flags.endHeaders | flags.endStream, 3, hex("88"));
  await until(() => other.closed && server.of(types.reset).length === 1);
  expect(server.of(types.reset)[0]).toMatchObject({ stream: 3 });
  expect(made.closed).toBe(false);
});

test("requests that a server which goes away does not take are lost, the others go on", async () => {
  const { server, request, events, connection } = await scripted(usual);
  const [taken, lost] = [request(), request()];
  await until(() => server.of(types.data).length === 2);
  server.send(types.goAway, 0, 0, number(1, 0));
  await until(() => lost.closed);
  expect([taken.closed, connection.free, connection.gone]).toEqual([false, false, false]);
  server.send(types.headers, flags.endHeaders | flags.endStream, 1, hex("88"));
  await until(() => taken.closed && connection.gone);
  expect(events).toEqual(["the server is closing the connection", "closed"]);
  expect(taken.headers).toEqual({ ":status": "200" });
});

test("a request ends when either side resets it, and the server learns that", async () => {
  const { server, request } = await scripted(usual);
  const [ended, dropped] = [request(), request()];
  await until(() => server.of(types.data).length === 2);
  server.send(types.reset, 0, 1, number(8));
  await until(() => ended.closed);
  dropped.cancel();
  dropped.cancel();
  expect(dropped.closed).toBe(true);
  await until(() => server.of(types.reset).length > 0);
  expect(server.of(types.reset)).toMatchObject([{ stream: 3 }]);
  // What comes for it is too late.
  server.send(types.headers, flags.endHeaders, 3, hex("88"));
  server.send(types.data, flags.endStream, 3, Buffer.from("late"));
  server.send(types.ping, 0, 0, Buffer.from("whoareu?"));
  await until(() => server.of(types.ping).length === 1);
  expect(server.of(types.ping)[0]).toMatchObject({ flags: flags.answer });
  expect(dropped).toMatchObject({ headers: {}, body: "" });
});

test.each<[string, (server: Scripted) => void, string]>([
  [
    "another protocol",
    (server) => void server.socket.write("HTTP/1.1 400 Bad Request\r\n\r\n"),
    "the server does not speak HTTP/2",
  ],
  ["what was not asked for", (server) => {
    usual(server);
    server.send(types.push, 0, 1, number(2));
  }, "the server pushes what was not asked for"],
  ["headers without a beginning", (server) => {
    usual(server);
    server.send(types.continuation, 0, 1, hex("88"));
  }, "headers have no beginning"],
  ["nothing more", (server) => void server.socket.end(), "the connection was closed"],
])("a server that says %s is left", async (_, greeting, why) => {
  const { connection, request, events } = await scripted();
  const made = request();
  expect(made.closed).toBe(false);
  connection.destroy("it is replaced");
  expect([made.closed, events]).toEqual([true, ["closed"]]);
  const bad = await scripted(greeting);
  await until(() => bad.connection.gone);
  expect(bad.connection.why).toBe(why);
  expect(bad.events).toEqual(["closed"]);
});
