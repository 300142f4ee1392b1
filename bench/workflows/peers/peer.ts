/**
 * What the benches of workflows ask of another engine of durable execution, and how its packages and
 * programs are fetched and run.
 *
 * What a peer needs lies in `.tools-peers/` (or where WIPPY_PEERS says), outside of what git tracks and
 * of this project's own packages, and is fetched once with npm or Go in the versions that the peer's
 * file pins.
 * @module
 */
import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";

const folder = process.env["WIPPY_PEERS"] ?? join(import.meta.dir, "../../../.tools-peers");

/** A peer whose program runs. */
export interface RunningPeer {
  /** Starts the peer's bench program with the arguments of ten-steps.mjs; gives what it printed. */
  ask<T>(...args: string[]): T;
  stop(): void | Promise<void>;
}

/** Another engine: its name in figures, and how to get it going. */
export interface Peer {
  name: string;
  /** The most runs at once that it copes with in the time that a bench has; no limit when absent. */
  atMost?: number;
  /** Fetches what is missing. @throws with the reason why the peer has to be left out */
  prepare(): void;
  /** Starts its server on a new, empty state. */
  start(): Promise<RunningPeer>;
}

/** The folder in which a peer's packages and programs are kept. */
export function folderOf(peer: string): string {
  const path = join(folder, peer);
  mkdirSync(path, { recursive: true });
  return path;
}

/** Runs a command that fetches or builds. @throws with its last words */
export function fetchBy(command: readonly string[], cwd: string, minutes: number): void {
  const { success, stdout, stderr, exitedDueToTimeout } = Bun.spawnSync([...command], {
    cwd,
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
    timeout: minutes * 60_000,
  });
  if (success) return;
  const words = `${stdout}${stderr}`.trim().split("\n").slice(-3).join(" ");
  const what = exitedDueToTimeout ? `took more than ${minutes} minutes` : `failed: ${words}`;
  throw new Error(`${command.slice(0, 3).join(" ")} ${what}`);
}

/** Installs packages of npm in exact versions into the peer's folder, unless they are there. @throws */
export function installPackages(peer: string, packages: Record<string, string>): string {
  const path = folderOf(peer);
  if (!Bun.which("node") || !Bun.which("npm")) throw new Error("Node and npm are not installed");
  const missing = Object.entries(packages).filter(([name, version]) => {
    const manifest = join(path, "node_modules", name, "package.json");
    if (!existsSync(manifest)) return true;
    return (JSON.parse(readFileSync(manifest, "utf8")) as { version: string }).version !== version;
  });
  if (missing.length === 0) return path;
  console.error(`fetching ${missing.map(([name, version]) => `${name} ${version}`).join(", ")} …`);
  // All anew: an installation that was interrupted may lack anything.
  rmSync(join(path, "node_modules"), { recursive: true, force: true });
  writeFileSync(
    join(path, "package.json"),
    JSON.stringify({ private: true, type: "module", dependencies: packages }),
  );
  fetchBy(["npm", "install", "--no-fund", "--no-audit", "--loglevel=error"], path, 10);
  return path;
}

/**
 * Builds a program of Go, unless it was built from the same sources.
 *
 * @param minutes how long it may take the first time
 * @returns its path
 * @throws
 */
export function buildGo(
  name: string,
  sources: string,
  files: readonly string[],
  minutes: number,
): string {
  const target = folderOf(name);
  const program = join(target, name);
  const stamp = join(target, "built-from");
  const source = files.map((file) => readFileSync(join(sources, file), "utf8")).join("");
  if (existsSync(program) && existsSync(stamp) && readFileSync(stamp, "utf8") === source) {
    return program;
  }
  if (!Bun.which("go")) throw new Error("Go is not installed");
  console.error(`building ${name}, up to ${minutes} minutes …`);
  for (const file of files) copyFileSync(join(sources, file), join(target, file));
  // What a module itself asks for is decided by its version.
  fetchBy(["go", "mod", "tidy"], target, 5);
  fetchBy(["go", "build", "-o", program, "."], target, minutes);
  writeFileSync(stamp, source);
  return program;
}

/** Runs a peer's bench program on Node; gives the JSON value in its last line. @throws with its words */
export function askProgram<T>(
  program: string,
  args: readonly string[],
  environment: Record<string, string> = {},
): T {
  const node = { NODE_ENV: "production", NODE_NO_WARNINGS: "1" };
  return askCommand(["node", join(import.meta.dir, program), ...args], { ...node, ...environment });
}

/** Runs a program. Returns the JSON value in its last line. @throws with its output */
export function askCommand<T>(command: string[], environment: Record<string, string> = {}): T {
  const { success, stdout, stderr } = Bun.spawnSync(command, {
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
    timeout: 300_000,
    env: { ...process.env, ...environment },
  });
  if (!success) throw new Error(`${command[0]} failed: ${`${stderr}`.trim().slice(-600)}`);
  return JSON.parse(`${stdout}`.trim().split("\n").at(-1) ?? "") as T;
}

/** Ports that nobody listens on now. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(Array.from({ length: count }, async () => {
    const server = createServer().listen(0, "127.0.0.1");
    await new Promise((ready) => server.once("listening", ready));
    return server;
  }));
  return await Promise.all(servers.map(async (server) => {
    const { port } = server.address() as { port: number };
    await new Promise((closed) => server.close(closed));
    return port;
  }));
}

/** Waits until something is so. @throws when it takes longer than a minute */
export async function until(what: string, ready: () => boolean | Promise<boolean>): Promise<void> {
  const began = performance.now();
  while (!await ready()) {
    if (performance.now() - began > 60_000) throw new Error(`${what} did not come within a minute`);
    await Bun.sleep(50);
  }
}

/** Starts a server that ends with this process. Returns what stops it, with a signal that lets it tidy up. */
export function startServer(
  command: readonly string[],
  cwd: string,
  environment: Record<string, string> = {},
): () => Promise<void> {
  const server = Bun.spawn([...command], {
    cwd,
    stdin: "ignore",
    stdout: Bun.file(join(cwd, "server.log")),
    stderr: Bun.file(join(cwd, "server.err")),
    env: { ...process.env, ...environment },
  });
  const kill = () => server.kill("SIGKILL");
  process.prependOnceListener("exit", kill);
  return async () => {
    server.kill("SIGTERM");
    const late = setTimeout(kill, 5_000);
    await server.exited;
    clearTimeout(late);
    process.off("exit", kill);
  };
}
