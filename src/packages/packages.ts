/**
 * Adds, installs and removes packages: the folder of modules, and the lock file that says what is in it.
 * @module
 */
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { parseDocument, YAMLSeq } from "yaml";
import { type Lock, type LockedModule, readLock } from "../app/lock.ts";
import { lockFileName } from "../app/lock-name.ts";
import { orderLock } from "../app/lock-order.ts";
import { hashDirectory, hashFiles } from "../app/module-hash.ts";
import { formatProblem } from "../app/problem.ts";
import type { AddressOptions } from "./addresses.ts";
import { Fetcher } from "./fetch.ts";
import { type Package, PackageError, parseWanted } from "./package.ts";

/** What became of a package. */
export interface Installed {
  name: string;
  version: string;
  state: "added" | "changed" | "kept";
  /** Identifiers of its libraries by the name that code requires. */
  libraries: ReadonlyMap<string, string>;
  notes: readonly string[];
}

/** @throws PackageError when there is no lock file, or a faulty one */
function lockOf(directory: string): Lock {
  const { lock, problems } = readLock(directory);
  const [problem] = problems.filter(({ severity }) => severity === "error");
  if (problem !== undefined) throw new PackageError(formatProblem(problem).replaceAll("\n", " "));
  if (lock !== undefined) return lock;
  throw new PackageError(
    `no ${lockFileName} in ${directory}`,
    'run "wippy init" there, or name the directory with -C',
  );
}

/**
 * Fetches a package with those that it needs, writes them to the folder of modules, and locks them.
 *
 * @param text as `parseWanted` reads it
 * @returns the packages, the one that was asked for last
 * @throws PackageError; then nothing has changed
 */
export async function addPackage(text: string, options: AddressOptions): Promise<Installed[]> {
  const lock = lockOf(options.directory);
  const versions = new Map(lock.modules.map(({ name, version }) => [name, version]));
  const fetched = [...(await new Fetcher(options, versions).fetch(parseWanted(text))).values()];
  for (const { name } of fetched) {
    const other = lock.modules.find((module) => module.name === name);
    if (other !== undefined && other.source === undefined) {
      throw new PackageError(
        `${name} ${other.version} is in ${lockFileName} already, and was put there by hand`,
        `remove it first: wippy remove ${name}`,
      );
    }
  }
  const installed = fetched.map((made) => write(lock, made));
  const modules = lock.modules.filter(({ name }) => !fetched.some((made) => made.name === name));
  writeLock(options.directory, [...modules, ...fetched.map(locked)]);
  return installed;
}

/**
 * Brings the folder of modules to what the lock file says. Modules that are there with the right hash stay.
 *
 * @throws PackageError when something cannot be fetched, or has another hash than the lock file says
 */
export async function installPackages(options: AddressOptions): Promise<Installed[]> {
  const lock = lockOf(options.directory);
  const installed: Installed[] = [];
  for (const module of lock.modules) {
    const { name, version, hash, source } = module;
    if (lock.replacements.has(name)) continue;
    const target = join(lock.vendor, name);
    const kept = { name, version, state: "kept", libraries: new Map(), notes: [] } as const;
    const variants = [target, `${target}-${version}`, `${target}-${version}.wapp`];
    if (source === undefined || hash === undefined) {
      if (!variants.some((path) => existsSync(path))) {
        throw new PackageError(
          `${name} ${version} is not installed, and ${lockFileName} does not say where it comes from`,
          `put it into ${target}`,
        );
      }
      installed.push(kept);
      continue;
    }
    if (existsSync(target) && hashDirectory(target) === hash) {
      installed.push(kept);
      continue;
    }
    const versions = new Map(lock.modules.map((other) => [other.name, other.version]));
    const made = (await new Fetcher(options, versions).fetch(parseWanted(source))).get(name);
    if (made === undefined || hashFiles(made.files) !== hash) {
      throw new PackageError(
        `what is at ${source} is not what ${lockFileName} says: its hash is another`,
        `if that is right, run: wippy add ${source}`,
      );
    }
    installed.push(write(lock, made));
  }
  return installed;
}

/**
 * Removes a package from the lock file and the folder of modules.
 *
 * @param text its name in the lock file, or as it was added, without a version
 * @throws PackageError when it is not there, or another package needs it
 */
export function removePackage(text: string, directory: string): LockedModule {
  const lock = lockOf(directory);
  const module = lock.modules.find(({ name, source }) =>
    name === text || name === text.replace(/^(luarocks|npm):@?/, "$1/") ||
    source !== undefined && (source === text || source.startsWith(`${text}@`) ||
        source.startsWith(`${text}#`))
  );
  if (module === undefined) {
    const names = lock.modules.map(({ name }) => name);
    const there = names.length === 0 ? "it lists no modules" : `it lists ${names.join(", ")}`;
    throw new PackageError(`${text} is not in ${lockFileName}`, there);
  }
  const { name, version } = module;
  const user = lock.modules.find(({ requires }) => requires.includes(name));
  if (user !== undefined) {
    throw new PackageError(
      `${user.name} needs ${name}`,
      `remove that first: wippy remove ${user.name}`,
    );
  }
  writeLock(directory, lock.modules.filter((other) => other !== module));
  const target = join(lock.vendor, name);
  for (const path of [target, `${target}-${version}`, `${target}-${version}.wapp`]) {
    rmSync(path, { recursive: true, force: true });
  }
  return module;
}

function locked(made: Package): LockedModule {
  const { name, version, source, requires } = made;
  return { name, version, hash: hashFiles(made.files), source, requires };
}

/** Writes a package to the folder of modules, in place of what is there under its name. */
function write(lock: Lock, made: Package): Installed {
  const { name, version, libraries, notes } = made;
  const target = join(lock.vendor, name);
  const there = existsSync(target);
  if (there && hashDirectory(target) === hashFiles(made.files)) {
    return { name, version, state: "kept", libraries, notes };
  }
  const part = `${target}.${process.pid}.part`;
  try {
    for (const [path, content] of made.files) {
      const file = join(part, path);
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, content);
    }
    rmSync(target, { recursive: true, force: true });
    renameSync(part, target);
  } catch (error) {
    rmSync(part, { recursive: true, force: true });
    throw new PackageError(`cannot write ${target}: ${(error as Error).message}`);
  }
  return { name, version, state: there ? "changed" : "added", libraries, notes };
}

/** Writes the list of modules, sorted by name; the rest of the lock file stays. */
function writeLock(directory: string, modules: readonly LockedModule[]): void {
  const path = resolve(directory, lockFileName);
  const document = parseDocument(readFileSync(path, "utf8"));
  const list = new YAMLSeq();
  for (const { requires, ...module } of modules) {
    list.add(document.createNode(requires.length > 0 ? { ...module, requires } : module));
  }
  document.set("modules", list);
  orderLock(document);
  const part = `${path}.${process.pid}.part`;
  writeFileSync(part, document.toString({ flowCollectionPadding: true, lineWidth: 0 }), {
    mode: 0o600,
  });
  renameSync(part, path);
}
