/**
 * DBOS Transact for Go on SQLite, in one process with the runs: WAL, and a sync at each commit, with one connection,
 * which is the fastest. Its default is `synchronous = NORMAL`, which does not survive a power cut.
 * @module
 */
import { join } from "node:path";
import { temporaryFolder } from "../../kernel/measurement/command.ts";
import { askCommand, buildGo, type Peer } from "./peer.ts";

const sources = join(import.meta.dir, "dbos-go");

/** Builds the program of the bench. @throws */
function build(): string {
  return buildGo("dbos-go", sources, ["go.mod", "main.go", "measure.go"], 10);
}

export const dbosGo: Peer = {
  name: "dbos_go",
  prepare: () => void build(),
  start() {
    const program = build();
    return Promise.resolve({
      ask: (...args: string[]) =>
        askCommand([program, join(temporaryFolder(), "dbos.db"), ...args]),
      stop() {},
    });
  },
};
