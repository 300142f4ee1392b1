/**
 * DBOS Transact for TypeScript on PostgreSQL: its defaults (a pool of ten connections) on PostgreSQL's
 * (`fsync`, `synchronous_commit` and `full_page_writes` on). Each step is a transaction of its own that
 * waits for the disk.
 * @module
 */
import { chownSync, existsSync, mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { outputOf, temporaryFolder } from "../../kernel/measurement/command.ts";
import { askProgram, freePorts, installPackages, type Peer } from "./peer.ts";

const packages = { "@dbos-inc/dbos-sdk": "5.3.0" };

/** The folder of PostgreSQL's programs, as Debian lays them or as PATH finds them. */
function programs(): string {
  const debian = "/usr/lib/postgresql";
  const versions = existsSync(debian)
    ? readdirSync(debian).sort((a, b) => Number(b) - Number(a))
    : [];
  const found = versions.map((version) => join(debian, version, "bin"))
    .find((path) => existsSync(join(path, "postgres")));
  if (found) return found;
  const initdb = Bun.which("initdb");
  if (!initdb) throw new Error("PostgreSQL is not installed");
  return join(initdb, "..");
}

/** PostgreSQL does not run as root. */
function unprivileged(command: string[]): string[] {
  return process.getuid?.() === 0 ? ["runuser", "-u", "postgres", "--", ...command] : command;
}

/** A folder that PostgreSQL's own user may write to. */
function databaseFolder(): string {
  const folder = temporaryFolder();
  const path = join(folder, "postgres");
  mkdirSync(path);
  if (process.getuid?.() === 0) {
    const id = (which: string) => Number(outputOf(["id", which, "postgres"]));
    for (const owned of [folder, path]) chownSync(owned, id("-u"), id("-g"));
  }
  return path;
}

export const dbos: Peer = {
  name: "dbos",
  prepare() {
    programs();
    installPackages(this.name, packages);
  },
  async start() {
    const bin = programs();
    const folder = databaseFolder();
    const data = join(folder, "data");
    const [port] = await freePorts(1);
    const run = (program: string, ...args: string[]) =>
      outputOf(unprivileged([join(bin, program), "-D", data, ...args]), folder);
    run("initdb", "-A", "trust", "-U", "postgres");
    const options = `-p ${port} -k ${folder} -c listen_addresses=127.0.0.1`;
    run("pg_ctl", "start", "-w", "-l", join(folder, "log"), "-o", options);
    const stop = () => void run("pg_ctl", "stop", "-m", "fast");
    const kill = () => void run("pg_ctl", "stop", "-m", "immediate");
    // Before its folder is removed.
    process.prependOnceListener("exit", kill);
    const address = `postgresql://postgres@127.0.0.1:${port}/dbos`;
    const path = installPackages(this.name, packages);
    return {
      ask: (...args) => askProgram("dbos.mjs", [path, address, ...args]),
      stop() {
        process.off("exit", kill);
        stop();
      },
    };
  },
};
