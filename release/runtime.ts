/**
 * Bun's program of each platform, from npm's packages.
 * @module
 */
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import manifest from "../package.json" with { type: "json" };
import { root } from "../scripts/sources.ts";
import { readTarball } from "../src/cli/upgrade/archive.ts";
import type { Target } from "./targets.ts";

const version = manifest.devDependencies.bun;

/**
 * Returns the path of Bun's program for a target, in the pinned version. The first time, npm fetches it with its
 * own configuration, and its checksum is compared with bun.lock.
 *
 * @throws when npm is missing or fails, or the checksum differs
 */
export async function fetchRuntime(target: Target): Promise<string> {
  const tools = process.env["WIPPY_TOOLS"] ?? join(root, ".tools");
  const installed = join(tools, "node_modules", target.runtime);
  const name = `bin/bun${target.os === "win32" ? ".exe" : ""}`;
  if (versionOf(installed) === version) return join(installed, name);
  const folder = join(tools, "runtimes");
  const path = join(folder, `${target.runtime.split("/")[1]!}-${version}`);
  if (existsSync(path)) return path;
  mkdirSync(folder, { recursive: true });
  const draft = mkdtempSync(join(folder, "fetch-"));
  try {
    const tarball = pack(`${target.runtime}@${version}`, draft);
    verify(target.runtime, tarball);
    const program = (await readTarball(tarball)).get(`package/${name}`);
    if (program === undefined) throw new Error(`${target.runtime}@${version} has no ${name}`);
    // Renamed once complete, so that an interrupted run leaves no partial file.
    writeFileSync(join(draft, "program"), program);
    chmodSync(join(draft, "program"), 0o755);
    renameSync(join(draft, "program"), path);
  } finally {
    rmSync(draft, { recursive: true, force: true });
  }
  return path;
}

/** The version of a package that scripts/bun had npm install; nothing where it did not. */
function versionOf(folder: string): unknown {
  const path = join(folder, "package.json");
  return existsSync(path)
    ? (JSON.parse(readFileSync(path, "utf8")) as Record<string, unknown>)["version"]
    : undefined;
}

/** Has npm fetch a package. Returns its tarball. */
function pack(wanted: string, folder: string): Uint8Array {
  if (Bun.which("npm") === null) {
    throw new Error(`npm is needed to fetch ${wanted}: install Node, then run this again`);
  }
  const run = Bun.spawnSync(["npm", "pack", wanted, "--silent", "--pack-destination", folder], {
    cwd: folder,
    stderr: "pipe",
  });
  const file = readdirSync(folder).find((name) => name.endsWith(".tgz"));
  if (!run.success || file === undefined) {
    throw new Error(`npm could not fetch ${wanted}: ${run.stderr.toString().trim()}`);
  }
  return readFileSync(join(folder, file));
}

/** Compares a tarball with the checksum in bun.lock, which pins Bun's packages of all platforms. */
function verify(name: string, tarball: Uint8Array): void {
  const lock = readFileSync(join(root, "bun.lock"), "utf8");
  const line = lock.split("\n").find((line) => line.includes(`["${name}@${version}"`));
  const pinned = /"(sha512-[^"]+)"\]/.exec(line ?? "")?.[1];
  const found = `sha512-${new Bun.CryptoHasher("sha512").update(tarball).digest("base64")}`;
  if (pinned === found) return;
  throw new Error(
    pinned === undefined
      ? `bun.lock has no checksum of ${name}@${version}`
      : `${name}@${version} from npm does not have the checksum in bun.lock; it was discarded`,
  );
}
