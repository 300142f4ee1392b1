import { lazy } from "../../registry/lazy.ts";
import { z } from "../../registry/schema.ts";
import { asLua } from "../../vm/value.ts";
import { invalid } from "../http_client/failure.ts";
import { proxyOf } from "../network.ts";
import {
  addedByModule,
  bytesOf,
  defineOperation,
  luaList,
  luaString,
  type Operation,
} from "../operation.ts";
import { options, wanted, wantedOf } from "./options.ts";

const handle = lazy(() => addedByModule(z.int()));
const longestReason = 123;

/**
 * Host operations of the module `websocket`. The permission for a private address depends on what a name resolves to:
 * a connection that lacks one is not made, and says which; the module asks, and goes on.
 */
export const websocket: Operation[] = [
  defineOperation({
    name: "websocket.prepare",
    calledAs: "websocket.connect",
    summary:
      "Checks the options of a connection, and returns it with the permissions that it needs.",
    mode: "pure",
    arguments: () => [z.string({ error: "a URL is UTF-8 text" }), options(), z.string().optional()],
    run: (_, url, given, network) => asLua(wantedOf(url, given, network)),
  }),
  defineOperation({
    name: "websocket.connect",
    summary: "Connects. Returns the connection, or the permissions that are lacking.",
    mode: "async",
    arguments: () => [wanted(), luaList(z.string()).optional()],
    async run({ signal, resources, services }, asked, given) {
      const { open } = await import("./handshake.ts");
      const { Connection } = await import("./connection.ts");
      const random = (count: number) => services.random(count);
      const granted = given && new Set(given);
      const proxy = proxyOf(services, asked.network);
      const opened = await open(asked, granted, proxy, random(16), signal);
      if ("needs" in opened) return asLua(opened);
      const connection = new Connection(opened, asked, random);
      return { connection: resources.add(connection), protocol: opened.protocol };
    },
  }),
  defineOperation({
    name: "websocket.receive",
    summary: "Messages, waiting for the first; when the connection has ended, its code and reason.",
    mode: "async",
    arguments: () => [handle(), z.int().positive()],
    async run({ resources, signal }, id, most) {
      const { Connection } = await import("./connection.ts");
      const connection = resources.get(id, Connection);
      const messages = await connection.receive(most, signal);
      const { ending } = connection;
      if (messages.length > 0 || ending === undefined) return asLua({ messages });
      resources.remove(id);
      return asLua({ closed: ending });
    },
  }),
  defineOperation({
    name: "websocket.send",
    summary: "Sends a message; waits while the connection takes no more.",
    mode: "async",
    arguments: () => [handle(), luaString(), z.boolean()],
    async run({ resources, signal }, id, data, binary) {
      if (!binary && typeof data !== "string") {
        throw invalid("send: text must be UTF-8; send bytes as websocket.BINARY");
      }
      const { Connection } = await import("./connection.ts");
      const type = binary ? "binary" : "text";
      await resources.get(id, Connection).send(type, bytesOf(data), signal);
      return true;
    },
  }),
  defineOperation({
    name: "websocket.ping",
    summary: "Sends a ping.",
    mode: "async",
    arguments: () => [handle()],
    async run({ resources, signal }, id) {
      const { Connection } = await import("./connection.ts");
      await resources.get(id, Connection).ping(signal);
      return true;
    },
  }),
  defineOperation({
    name: "websocket.close",
    summary: "Closes a connection with a code and a reason.",
    mode: "async",
    arguments: () => [handle(), z.int(), z.string({ error: "a reason is UTF-8 text" })],
    async run({ resources, signal }, id, code, reason) {
      const { Connection, isCloseCode } = await import("./connection.ts");
      if (!isCloseCode(code)) {
        throw invalid(`close: ${code} is not a close code; use 1000, or 3000 to 4999`);
      }
      if (Buffer.byteLength(reason) > longestReason) {
        throw invalid(`close: the reason is longer than ${longestReason} bytes`);
      }
      const connection = resources.get(id, Connection);
      await connection.shut(code, reason, signal);
      resources.remove(id);
      return true;
    },
  }),
];
