/**
 * Restate, one server with its defaults: its log is written with a sync of each batch
 * (`rocksdb-disable-wal-fsync = false`), its state is not synced, being made from the log. Calls come in
 * over HTTP; the service runs on Node, in the process of who calls.
 * @module
 */
import { join } from "node:path";
import { temporaryFolder } from "../../kernel/measurement/command.ts";
import { askProgram, freePorts, installPackages, type Peer, startServer, until } from "./peer.ts";

const packages = { "@restatedev/restate-server": "1.7.12", "@restatedev/restate-sdk": "1.17.2" };

export const restate: Peer = {
  name: "restate",
  prepare() {
    installPackages(this.name, packages);
  },
  async start() {
    const path = installPackages(this.name, packages);
    const folder = temporaryFolder();
    const [service, admin, ingress, node] = (await freePorts(4)).map(String);
    // Not by `.bin`: that is a program of Node which starts this one, and may be ended without it.
    const platform = `@restatedev/restate-server-${process.platform}-${process.arch}`;
    const server = join(path, "node_modules", platform, "bin/restate-server");
    const stop = startServer(
      [server, "--no-logo", "--listen-mode", "tcp", "--log-filter", "error", "--base-dir", folder],
      folder,
      {
        RESTATE_BIND_IP: "127.0.0.1",
        RESTATE_BIND_PORT: node!,
        RESTATE_ADMIN__BIND_PORT: admin!,
        RESTATE_INGRESS__BIND_PORT: ingress!,
        RESTATE_DISABLE_TELEMETRY: "true",
        // It leaves folders behind.
        TMPDIR: folder,
      },
    );
    const healthy = (port: string, name: string) =>
      fetch(`http://127.0.0.1:${port}/${name}`).then(({ ok }) => ok, () => false);
    await until("Restate's admin API", () => healthy(admin!, "health"));
    await until("Restate's ingress", () => healthy(ingress!, "restate/health"));
    return {
      ask: (...args) =>
        askProgram("restate.mjs", [path, service!, admin!, ingress!, ...args], {
          // A line for each run would cost more than the run.
          RESTATE_LOGGING: "ERROR",
        }),
      stop,
    };
  },
};
