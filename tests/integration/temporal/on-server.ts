import { afterAll, beforeAll } from "bun:test";
import {
  connect,
  type Connection,
} from "../../../src/workflows/providers/temporal/connection/connection.ts";
import { PayloadConverter } from "../../../src/workflows/providers/temporal/payloads/payloads.ts";
import { TemporalProvider } from "../../../src/workflows/providers/temporal/temporal.ts";
import { cleanAfterTest } from "../../cleanup.ts";
import type { Place } from "../../conformance/place.ts";
import { Runtime, type RuntimeOptions } from "../../conformance/runtime.ts";
import { TemporalServer, withoutTemporal } from "../../temporal-server.ts";

/** A task queue of a server, and the runtimes that take from it. */
export interface QueuePlace extends Place {
  /** The newest runtime is gone, without a word to the server. */
  killed(): void;
}

/** How the runtimes of a place get to the server. */
export interface Way {
  /** @default the server's own */
  address?: string;
  /** Adds search attributes that the server does not know. @default false */
  addSearchAttributes?: boolean;
  /** How long a task waits for the runtime that has its run in memory, in milliseconds. @default 500 */
  stickyTimeout?: number;
  /** Changes a connection, as a crash would. @default none */
  connecting?: (connection: Connection) => Connection;
}

/** A server for the tests of a file, and runtimes in miniature on it. */
export interface OnServer {
  readonly server: TemporalServer;
  placeOn(taskQueue: string, way?: Way): QueuePlace;
  /** Opens a runtime that is closed after its test. @param place one of its own, unless given */
  open(options: RuntimeOptions, place?: QueuePlace): Promise<Runtime>;
}

/**
 * Starts a server before the tests of a file, where there is one to be had.
 *
 * @param settings `durable`: what it has outlives its `kill`
 */
export function onServer(settings: { durable?: boolean } = {}): OnServer {
  let server: TemporalServer | undefined;
  let queues = 0;
  beforeAll(async () => {
    if (withoutTemporal === undefined) server = await TemporalServer.start(settings);
  }, 60_000);
  afterAll(async () => await server?.stop());
  const running = () => {
    if (server) return server;
    throw new Error("the server has not started");
  };
  function placeOn(
    taskQueue: string,
    {
      address,
      addSearchAttributes = false,
      stickyTimeout = 500,
      connecting = (connection) => connection,
    }: Way = {},
  ): QueuePlace {
    const providers: TemporalProvider[] = [];
    const place: QueuePlace = {
      runsAhead: false,
      provider({ platform: _, ...options }) {
        const provider = new TemporalProvider({
          ...options,
          connect: async () =>
            connecting(
              await connect({ address: address ?? running().address, namespace: "default" }),
            ),
          addSearchAttributes,
          conversion: new PayloadConverter(),
          hosts: [{ hostId: "app:workflows", taskQueue, stickyTimeout }],
        });
        providers.push(provider);
        return provider;
      },
      crashed: () => place,
      faults: () => [],
      remove() {},
      killed: () => providers.pop()?.abandon(),
    };
    return place;
  }
  return {
    get server() {
      return running();
    },
    placeOn,
    async open(options, place = placeOn(`queue-${++queues}`)) {
      const runtime = await Runtime.open({ place, ...options });
      cleanAfterTest(() => runtime.provider.close());
      return runtime;
    },
  };
}
