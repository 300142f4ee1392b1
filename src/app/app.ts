import { existsSync, readFileSync, statSync } from "node:fs";
import { relative, resolve, sep } from "node:path";
import { compareIds, type Entry } from "../registry/entry.ts";
import { namespaceDependency } from "../registry/kinds/namespace.ts";
import type { Config } from "./config.ts";
import { loadConfig } from "./config-file.ts";
import { type DefinedEntry, type LoadRoot, readDefinition } from "./definition.ts";
import { missingModules } from "./dependency.ts";
import { findDisabled, matchesEntryPattern } from "./disable.ts";
import { findDefinitions } from "./discovery.ts";
import { Environment } from "./environment.ts";
import { linkRequirements } from "./link.ts";
import { type Lock, type LockedModule, readLock } from "./lock.ts";
import { lockFileName } from "./lock-name.ts";
import { hashDirectory, hashFile, hashPrefix } from "./module-hash.ts";
import {
  applyOverrides,
  parseOverrideArguments,
  parseOverrideSection,
  withSystem,
} from "./override.ts";
import { type LoadedPack, loadPack } from "./pack/load.ts";
import { packSuffix } from "./pack/name.ts";
import { type Problem, sortProblems } from "./problem.ts";
import { checksTypes, type CheckSyntax, validateEntries } from "./validation.ts";
import { YamlFile } from "./yaml-file.ts";

/** What to load, and what to lay over it. */
export interface LoadOptions {
  /** The application's directory, where `wippy.lock` lies. */
  directory: string;
  /** Name of the lock file in the directory. @default wippy.lock */
  lockFile?: string;
  /** `--config` files. */
  configFiles?: readonly string[];
  /** `--profile` arguments. */
  profiles?: readonly string[];
  /** `--set` arguments. */
  settings?: readonly string[];
  /** `-o` arguments. */
  overrides?: readonly string[];
  /** The operating system's variables; those of this process when absent. */
  system?: Readonly<Record<string, string | undefined>>;
  /** Compiles Lua; without it syntax is not checked. */
  checkSyntax?: CheckSyntax;
  /** A pack, which is loaded in place of the directory's sources: its path. */
  pack?: string;
  /** Folder that files of packs are unpacked into; without it they stay packed. Absolute. */
  unpackInto?: string;
  /** Checks types, whatever the configuration says, and names in code. @default false */
  thorough?: boolean;
  /** Texts of definitions and sources to take instead of what files hold, by absolute path: those in an editor. */
  texts?: ReadonlyMap<string, string>;
}

/** An application as found on disk. It can run when no problem is an error. */
export interface Application {
  /** Absolute path. */
  directory: string;
  /** Name of the lock file in the directory. */
  lockFile: string;
  /** Whether there is one; without one nothing is loaded. */
  locked: boolean;
  /** Sorted by identifier. */
  entries: Entry[];
  /** Everything that is wrong, sorted by place. */
  problems: Problem[];
  config: Config;
  environment: Environment;
  /** Absolute directory of each installed module, by `org/module`. */
  modules: Record<string, string>;
  /** Adds file and line to a problem that knows only its entry, and its line in the source. */
  locate(problem: Problem): Problem;
}

/** Reads and checks an application. Faults of the application are problems, never exceptions. */
export function loadApplication(options: LoadOptions): Promise<Application> {
  return new Loader(options).load();
}

class Loader {
  readonly #directory: string;
  readonly #lockFile: string;
  readonly #problems: Problem[] = [];
  readonly #defined = new Map<string, DefinedEntry>();
  readonly #modules: Record<string, string> = {};
  /** Modules that are locked and not there. */
  readonly #missing: LockedModule[] = [];

  constructor(readonly options: LoadOptions) {
    this.#directory = resolve(options.directory);
    this.#lockFile = options.lockFile ?? lockFileName;
  }

  async load(): Promise<Application> {
    const system = this.options.system ?? process.env;
    const pack = await this.#openPack();
    const { config, problems } = loadConfig({
      directory: this.#directory,
      files: this.options.configFiles,
      profiles: this.options.profiles,
      settings: this.options.settings,
      defaults: pack?.defaults,
      system,
    });
    this.#problems.push(...problems);
    const { lock, problems: lockProblems } = this.options.pack === undefined
      ? readLock(this.#directory, this.#lockFile)
      : { problems: [] };
    this.#problems.push(...lockProblems);
    if (lock !== undefined) await this.#loadRoots(lock, config);
    this.#link(config);
    if (lock !== undefined) this.#checkDependencies(lock, config);
    const defined = [...this.#defined.values()];
    const entries = defined.map(({ entry }) => entry);
    entries.sort((left, right) => compareIds(left.id, right.id));
    const { thorough = false } = this.options;
    const environment = new Environment(entries, { directory: this.#directory, system });
    this.#problems.push(
      ...validateEntries(defined, environment, this.options.checkSyntax, {
        types: thorough || checksTypes(config),
        names: thorough,
      }),
    );
    return {
      directory: this.#directory,
      lockFile: this.#lockFile,
      locked: this.options.pack !== undefined ||
        existsSync(resolve(this.#directory, this.#lockFile)),
      entries,
      problems: sortProblems(this.#problems),
      config,
      environment,
      modules: this.#modules,
      locate: (problem) => this.#locate(problem),
    };
  }

  #shown(path: string): string {
    return relative(this.#directory, path).split(sep).join("/") || ".";
  }

  #report(severity: Problem["severity"], message: string, fix: string, file?: string): void {
    this.#problems.push({ severity, ...(file === undefined ? {} : { file }), message, fix });
  }

  /** The entries of the pack that is run. Those of its modules keep them as their owners. */
  async #openPack(): Promise<LoadedPack | undefined> {
    if (this.options.pack === undefined) return undefined;
    const pack = await this.#readPack(resolve(this.#directory, this.options.pack));
    for (const { entry } of pack?.entries ?? []) {
      const { module } = entry.meta;
      if (typeof module === "string") this.#modules[module] = this.#directory;
    }
    return pack;
  }

  /** Defines the entries of a pack; a pack that cannot be read is a problem. */
  async #readPack(path: string, module?: LoadRoot["module"]): Promise<LoadedPack | undefined> {
    const { pack, problems } = await loadPack(path, {
      shown: this.#shown(path),
      ...(this.options.unpackInto !== undefined && { unpackInto: this.options.unpackInto }),
      ...(module !== undefined && { module }),
    });
    this.#problems.push(...problems);
    for (const defined of pack?.entries ?? []) this.#define(defined);
    return pack;
  }

  async #loadRoots(lock: Lock, config: Config): Promise<void> {
    const skipped = new Set([lock.vendor]);
    for (const root of this.#roots(lock, config)) {
      if (root.module !== undefined && root.directory.endsWith(packSuffix)) {
        await this.#readPack(root.directory, root.module);
        this.#modules[root.module.name] = this.#directory;
        continue;
      }
      if (!existsSync(root.directory) || !statSync(root.directory).isDirectory()) {
        const message = `directory not found: ${this.#shown(root.directory)}`;
        const fix = `create it, or correct ${lock.file}`;
        this.#report(root.module === undefined ? "warning" : "error", message, fix);
        continue;
      }
      if (root.module !== undefined) this.#modules[root.module.name] = root.home ?? root.directory;
      const excluded = this.#excluded(root);
      const { texts } = this.options;
      for (const path of findDefinitions(root.directory, skipped)) {
        const read = readDefinition(path, root, (file) => this.#shown(file), texts);
        this.#problems.push(...read.problems);
        for (const defined of read.entries) if (!excluded(defined.entry)) this.#define(defined);
      }
    }
  }

  /** The application's own directory, then replacements, then installed modules. */
  #roots(lock: Lock, config: Config): LoadRoot[] {
    const roots: LoadRoot[] = [{ directory: lock.source }];
    const replacements = new Map(lock.replacements);
    for (const [name, target] of Object.entries(config.map("workspace.replacements"))) {
      if (target === null) replacements.delete(name);
      else if (typeof target === "string") {
        replacements.set(name, resolve(config.directory, target));
      } else {
        const message = `workspace.replacements.${name} must be a directory`;
        this.#report("error", message, "write the path of a directory, or null");
      }
    }
    for (const [name, directory] of replacements) {
      const inner = resolve(directory, "src");
      const source = existsSync(inner) ? inner : directory;
      roots.push({ directory: source, home: directory, module: { name } });
    }
    for (const locked of lock.modules) {
      const { name, version } = locked;
      if (replacements.has(name)) continue;
      const plain = resolve(lock.vendor, name);
      const packed = resolve(lock.vendor, `${name}-${version}${packSuffix}`);
      const versioned = resolve(lock.vendor, `${name}-${version}`);
      const module = { name, version };
      const directory = [plain, packed, versioned].find((path) => existsSync(path));
      if (directory !== undefined) {
        this.#checkHash(locked, directory, directory === packed);
        roots.push({ directory, module });
      } else this.#missing.push(locked);
    }
    return roots;
  }

  /** What runs has to be what was locked: everything that `wippy add` wrote, and packs. */
  #checkHash({ name, version, hash, source }: LockedModule, path: string, packed: boolean): void {
    if (!hash?.startsWith(hashPrefix) || source === undefined && !packed) return;
    if ((packed ? hashFile(path) : hashDirectory(path)) === hash) return;
    const fix = source === undefined
      ? `get ${this.#shown(path)} again, or correct its hash`
      : 'run "wippy install" to get it again';
    const message = `module ${name} ${version} was changed: its hash is not the one in the file`;
    this.#report("error", message, fix, this.#lockFile);
  }

  /** What the manifest of an installed module keeps to itself. */
  #excluded(root: LoadRoot): (entry: Entry) => boolean {
    const manifest = resolve(root.home ?? root.directory, "wippy.yaml");
    if (root.module === undefined || !existsSync(manifest)) return () => false;
    const value = new YamlFile(readFileSync(manifest, "utf8"), manifest).value;
    const { exclude, exclude_meta: meta } = (value ?? {}) as Record<string, unknown>;
    const patterns = (Array.isArray(exclude) ? exclude : []).filter((pattern) =>
      typeof pattern === "string" && pattern.includes(":")
    );
    const section = meta === undefined ? {} : { meta };
    return (entry) =>
      patterns.some((pattern) => matchesEntryPattern(pattern, entry.id)) ||
      findDisabled([entry], section).disabled.has(entry.id);
  }

  /** Of definitions in several files the last takes effect: a module can replace an entry of the application. */
  #define(defined: DefinedEntry): void {
    const { entry, place } = defined;
    const first = this.#defined.get(entry.id);
    const inOneFile = first?.place.file === place.file;
    if (!inOneFile) this.#defined.set(entry.id, defined);
    if (first === undefined) return;
    const { file, line, column } = first.entry.origin!;
    const what = inOneFile ? "it is already defined at" : "it replaces the definition at";
    this.#problems.push({
      severity: inOneFile ? "error" : "warning",
      entry: entry.id,
      file: place.file,
      ...place.at(["name"]),
      message: `duplicate id: ${what} ${file}:${line}:${column}`,
      fix: "rename one of the two, or remove it",
    });
  }

  /** Overrides, switches entries off, links requirements, and overrides again. */
  #link(config: Config): void {
    const section = parseOverrideSection(config.map("override"));
    const argumentsGiven = parseOverrideArguments(this.options.overrides ?? []);
    this.#problems.push(...section.problems, ...argumentsGiven.problems);
    const entries = new Map([...this.#defined].map(([id, { entry }]) => [id, entry]));
    const system = this.options.system ?? process.env;
    const overrides = [
      ...withSystem(section.overrides, entries, system),
      ...argumentsGiven.overrides,
    ];
    this.#problems.push(...applyOverrides(entries, overrides));

    const { disabled, problems } = findDisabled(entries.values(), config.map("disable"));
    this.#problems.push(...problems);
    for (const id of disabled) {
      this.#defined.delete(id);
      entries.delete(id);
    }
    // The requirements of a pack were linked when it was made, and overridden after that.
    if (this.options.pack === undefined) {
      for (const warning of linkRequirements(entries)) {
        this.#problems.push(this.#locate({ severity: "warning", ...warning }));
      }
    }
    // An explicit override beats a linked value; what failed above has been reported.
    applyOverrides(entries, overrides);
  }

  /** Reports modules that are locked and not there, and warns of those that are neither locked nor replaced. */
  #checkDependencies(lock: Lock, config: Config): void {
    for (const { name, version, source } of this.#missing) {
      const wanted = [...this.#defined.values()].find(({ entry }) =>
        entry.kind === namespaceDependency.name && entry.data["component"] === name
      );
      const by = wanted === undefined ? "" : `, and ${wanted.entry.id} needs it`;
      const fix = source === undefined
        ? `put it into ${this.#shown(resolve(lock.vendor, name))}`
        : 'run "wippy install"';
      const message = `module ${name} ${version} is not installed${by}`;
      this.#report("error", message, fix, this.#lockFile);
    }
    const known = new Set([
      ...Object.keys(this.#modules),
      ...lock.modules.map(({ name }) => name),
      ...lock.replacements.keys(),
      ...Object.keys(config.map("workspace.replacements")),
    ]);
    const entries = [...this.#defined.values()].map(({ entry }) => entry);
    for (
      const { entry, message, fix } of missingModules(
        entries,
        known,
        this.#shown(lock.vendor),
        lock.file,
      )
    ) {
      this.#problems.push(this.#locate({ severity: "warning", entry, message, fix }));
    }
  }

  #locate(problem: Problem): Problem {
    const defined = problem.entry === undefined ? undefined : this.#defined.get(problem.entry);
    if (defined === undefined || problem.file !== undefined) return problem;
    const { place } = defined;
    if (problem.line !== undefined) return { ...problem, ...place.sourceLine(problem.line) };
    return { ...problem, file: place.file, ...place.at([]) };
  }
}
