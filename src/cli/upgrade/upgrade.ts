/**
 * `wippy upgrade`: replaces this executable with one of another version.
 * @module
 */
import {
  accessSync,
  chmodSync,
  constants,
  copyFileSync,
  existsSync,
  linkSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { dirname, join, resolve } from "node:path";
import { askSocket } from "../../admin/socket.ts";
import { scriptStates } from "../../app/state-folder.ts";
import { bytes } from "../../observe/measure.ts";
import { storageTools } from "../../workflows/providers/providers.ts";
import { type ConnectOptions, isAbsent, stateOf } from "../connection.ts";
import { CommandError, type Console } from "../terminal/terminal.ts";
import type { VersionFacts } from "../terminal/version.ts";
import { readMember } from "./archive.ts";
import { type PublicKey, readPublicKey } from "./minisign.ts";
import { download, findRelease, type Release } from "./releases.ts";

/** Flags of `wippy upgrade`. */
export interface UpgradeOptions extends ConnectOptions {
  check?: boolean;
  from?: string;
  key?: string;
  back?: boolean;
  allowDowngrade?: boolean;
}

/** The executable that is replaced. */
export interface Executable {
  /** Absolute. */
  path: string;
  version: string;
  target: string;
}

/** `wippy upgrade` */
export async function upgrade(
  console: Console,
  options: UpgradeOptions,
  own: Executable,
): Promise<number> {
  checkOwner(own);
  if (options.back) return await goBack(console, options, own);
  const place = placeOf(console, options, own);
  const release = await findRelease(place, own.target, keyOf(console, options, own));
  const order = Bun.semver.order(release.version, own.version);
  if (order === 0) {
    console.out(`wippy ${own.version} is up to date.\n`);
    return 0;
  }
  if (options.check) {
    const what = order > 0 ? "is available; to install it: wippy upgrade" : "is older";
    console.out(`wippy ${own.version} is installed. wippy ${release.version} ${what}\n`);
    return 0;
  }
  if (order < 0 && !options.allowDowngrade) {
    throw new CommandError(
      `wippy ${release.version} is older than ${own.version}; nothing was changed`,
      "to install it nevertheless, pass --allow-downgrade",
    );
  }
  checkWritable(own);
  await checkNothingRuns(console, options, own);
  const program = await fetchProgram(console, release, own);
  await replace(console, options, own, program);
  console.out(
    `Upgraded ${own.path} from ${own.version} to ${release.version}.\n` +
      "To go back: wippy upgrade --back\n",
  );
  return 0;
}

const previousOf = (own: Executable) => join(dirname(own.path), "wippy.previous");

/** `wippy upgrade --back`: swaps the executable with that of the previous version. */
async function goBack(console: Console, options: UpgradeOptions, own: Executable): Promise<number> {
  const previous = previousOf(own);
  if (!existsSync(previous)) {
    throw new CommandError(`there is no earlier version beside ${own.path}`);
  }
  checkWritable(own);
  await checkNothingRuns(console, options, own);
  const version = await replace(console, options, own, readFileSync(previous));
  console.out(`Went back from ${own.version} to ${version} (${own.path}).\n`);
  return 0;
}

/** Refuses if a package manager or a clone owns the executable. */
function checkOwner({ path, target }: Executable): void {
  if (target === "source") {
    throw new CommandError("this wippy runs from its sources", "update the clone with git");
  }
  if (/[\\/]node_modules[\\/]/.test(path)) {
    throw new CommandError(
      "npm installed this wippy",
      "upgrade it with npm: npm install wippy@latest",
    );
  }
  const list = "/var/lib/dpkg/info/wippy.list";
  if (existsSync(list) && readFileSync(list, "utf8").split("\n").includes(path)) {
    throw new CommandError(
      "dpkg installed this wippy",
      "upgrade it with the Debian package of the other version: apt install ./wippy_VERSION_ARCH.deb",
    );
  }
}

/** A file that install.sh leaves, for the executable that it installed. */
function noted(own: Executable, name: string): string | undefined {
  const path = join(dirname(own.path), "../share/wippy", name);
  return existsSync(path) ? readFileSync(path, "utf8").trim() : undefined;
}

function placeOf(console: Console, options: UpgradeOptions, own: Executable): string {
  const place = options.from ?? (console.system["WIPPY_RELEASES"] || noted(own, "releases"));
  if (place === undefined) {
    throw new CommandError(
      "the location of releases is not configured",
      "name a folder or an address with --from, or set WIPPY_RELEASES",
    );
  }
  return /^(https?|file):/i.test(place) ? place : resolve(console.directory, place);
}

/** The key that releases must be signed with; a file, or the key itself. */
function keyOf(console: Console, options: UpgradeOptions, own: Executable): PublicKey | undefined {
  const named = options.key ?? (console.system["WIPPY_RELEASE_KEY"] || undefined);
  const path = named === undefined ? "" : resolve(console.directory, named);
  const text = named === undefined
    ? noted(own, "minisign.pub")
    : existsSync(path)
    ? readFileSync(path, "utf8")
    : named;
  if (text === undefined) return undefined;
  try {
    return readPublicKey(text);
  } catch (error) {
    throw new CommandError(`the key of the releases: ${(error as Error).message}`);
  }
}

function checkWritable(own: Executable): void {
  const folder = dirname(own.path);
  try {
    accessSync(folder, constants.W_OK);
  } catch {
    throw new CommandError(
      `no permission to write to ${folder}; nothing was changed`,
      "run this as its owner, or install wippy for yourself with install.sh",
    );
  }
}

/** A runtime would keep its old program, and its journal could not go back. */
async function checkNothingRuns(
  console: Console,
  options: UpgradeOptions,
  own: Executable,
): Promise<void> {
  const state = stateOf(console, options);
  try {
    await askSocket(state, "/status", { signal: AbortSignal.timeout(5_000) });
  } catch (error) {
    if (isAbsent(error)) return;
  }
  throw new CommandError(
    `a runtime is running with the state folder ${state}; nothing was changed`,
    `stop it with wippy stop, upgrade, and start it again; until then it keeps ${own.version}`,
  );
}

async function fetchProgram(
  console: Console,
  release: Release,
  own: Executable,
): Promise<Uint8Array> {
  let shown = 0;
  const data = await download(release, (done, total) => {
    // Progress is for terminals, not for logs.
    if (!console.terminal || done - shown < 2 ** 20 && done !== total) return;
    shown = done;
    console.err(`\r${release.archive}: ${bytes(done)}${total > 0 ? ` of ${bytes(total)}` : ""} `);
  });
  if (shown > 0) console.err("\n");
  const folder = release.archive.replace(/\.(tar\.gz|zip)$/, "");
  const name = own.target.startsWith("windows") ? "wippy.exe" : "wippy";
  try {
    return await readMember(data, release.archive, `${folder}/${name}`);
  } catch (error) {
    throw new CommandError(
      `${release.archive} cannot be unpacked (${(error as Error).message}); nothing was changed`,
    );
  }
}

/**
 * Replaces the executable with a program, and keeps the old executable beside it. A complete program is in place at
 * every moment.
 *
 * @returns the version of the program
 * @throws CommandError when it does not run here, or could not read a journal that this version wrote
 */
async function replace(
  console: Console,
  options: UpgradeOptions,
  own: Executable,
  program: Uint8Array,
): Promise<string> {
  const folder = dirname(own.path);
  // Windows runs only files with this extension.
  const draft = join(folder, `.wippy-${process.pid}.exe`);
  try {
    writeFileSync(draft, program);
    chmodSync(draft, 0o755);
    const facts = factsOf(draft);
    await checkJournals(console, options, facts);
    keep(own);
    try {
      renameSync(draft, own.path);
    } catch (error) {
      if (!existsSync(own.path)) renameSync(previousOf(own), own.path);
      throw error;
    }
    return facts.version;
  } catch (error) {
    if (error instanceof CommandError) throw error;
    throw new CommandError(`cannot replace ${own.path}: ${(error as Error).message}`);
  } finally {
    rmSync(draft, { force: true });
  }
}

/** Keeps the executable as the version to go back to. */
function keep(own: Executable): void {
  const previous = previousOf(own);
  const draft = `${previous}.${process.pid}`;
  if (process.platform === "win32") {
    // A running program can be renamed there, but not replaced.
    rmSync(previous, { force: true });
    renameSync(own.path, previous);
    return;
  }
  try {
    linkSync(own.path, draft);
  } catch {
    copyFileSync(own.path, draft);
  }
  renameSync(draft, previous);
}

/** Asks a program for its version. @throws CommandError when it does not run here */
function factsOf(path: string): VersionFacts {
  const run = Bun.spawnSync([path, "version", "--json"], { stdin: "ignore", stderr: "pipe" });
  try {
    if (run.success) return JSON.parse(run.stdout.toString()) as VersionFacts;
  } catch {
    // Reported below.
  }
  const [line = ""] = run.stderr.toString().trim().split("\n");
  const why = line === "" ? "" : ` (${line})`;
  throw new CommandError(
    `the other version does not run on this machine${why}; nothing was changed`,
  );
}

/** Refuses a program that could not read the existing journals. @throws CommandError */
async function checkJournals(
  console: Console,
  options: UpgradeOptions,
  facts: VersionFacts,
): Promise<void> {
  const tools = await storageTools();
  for (const path of journalsOf(console, options)) {
    const schema = tools.schemaOf(path);
    if (schema <= facts.journal_schema) continue;
    throw new CommandError(
      `wippy ${facts.version} cannot read the journal ${path}: it has schema ${schema}, and that ` +
        `version reads schemas up to ${facts.journal_schema}; nothing was changed`,
      "keep this version, or restore a backup that the other version wrote",
    );
  }
}

/** The journals of the application in this directory and of this user's scripts. */
function journalsOf(console: Console, options: UpgradeOptions): string[] {
  const scripts = scriptStates(console.system);
  const folders = existsSync(scripts)
    ? readdirSync(scripts).map((name) => join(scripts, name))
    : [];
  return [stateOf(console, options), ...folders].map((folder) => join(folder, "journal.db"))
    .filter((path) => existsSync(path));
}
