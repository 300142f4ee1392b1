/**
 * Temporal's server in one process on a SQLite file, as its development server, and its TypeScript SDK
 * on Node. The file is in WAL mode with a sync at each commit; the server's pace of looking for work,
 * which makes each step of the development server wait for 50 ms, is raised out of the way.
 * @module
 */
import { connect } from "node:net";
import { join } from "node:path";
import { temporaryFolder } from "../../kernel/measurement/command.ts";
import { quick } from "../../kernel/measurement/measurement.ts";
import {
  askProgram,
  buildGo,
  fetchBy,
  freePorts,
  installPackages,
  type Peer,
  startServer,
  until,
} from "./peer.ts";

const sdk = "1.24.0";
const packages = {
  "@temporalio/client": sdk,
  "@temporalio/worker": sdk,
  "@temporalio/workflow": sdk,
};
/** What the server is made from; its version is in go.mod. */
const sources = join(import.meta.dir, "temporal-server");
/** How long Go may take the first time. */
const buildMinutes = 25;

const settings = [
  "pragma:journal_mode=wal",
  "pragma:synchronous=2",
  "history.transferProcessorMaxPollRPS=10000",
  "history.timerProcessorMaxPollRPS=10000",
  "history.timerProcessorMaxTimeShift=10ms",
];

/** Installs the SDK and bundles the workflows. @returns the folder of its packages. @throws */
export function installSdk(): string {
  const path = installPackages("temporal", packages);
  fetchBy(["node", join(import.meta.dir, "temporal.mjs"), path, "", "bundle"], path, 2);
  return path;
}

/** Builds the server. @throws */
function build(): string {
  return buildGo("temporal-server", sources, ["go.mod", "main.go"], buildMinutes);
}

/** Whether somebody listens on a port of this machine. */
function listens(port: number): Promise<boolean> {
  return new Promise((answer) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("connect", () => answer(true)).once("error", () => answer(false));
    socket.once("connect", () => socket.end());
  });
}

/** Temporal with remote activities, each a task of the server, or with local ones in its worker. */
function peer(name: string, activities: "remote" | "local"): Peer {
  return {
    name,
    prepare() {
      installSdk();
      build();
    },
    async start() {
      const path = installPackages("temporal", packages);
      const folder = temporaryFolder();
      const ports = await freePorts(5);
      const address = `127.0.0.1:${ports[0]}`;
      const file = join(folder, "temporal.db");
      const stop = startServer([build(), "127.0.0.1", ports.join(), file, ...settings], folder);
      await until("Temporal's server", () => listens(ports[0]!));
      return {
        ask: (...args) => askProgram("temporal.mjs", [path, address, activities, ...args]),
        stop,
      };
    },
  };
}

/** Its server makes some fifty steps a second: a thousand runs at once would take four minutes. */
export const temporal: Peer = { ...peer("temporal", "remote"), atMost: quick ? 50 : 200 };

export const temporalLocal: Peer = peer("temporal_local", "local");
