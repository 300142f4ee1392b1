/**
 * Fetches packages with those that they need.
 * @module
 */
import { basename, resolve } from "node:path";
import { existsSync, readFileSync, statSync } from "node:fs";
import { parse as parseYaml } from "yaml";
import { type AddressOptions, npmAddress, rocksAddress } from "./addresses.ts";
import { type FileTree, readFolder } from "./file-tree.ts";
import { fetchFromGit } from "./git.ts";
import { licensesOf, type LuaSources, makeModule, sourcesOf } from "./lua-module.ts";
import { RocksServer } from "./luarocks.ts";
import { fetchFromNpm } from "./npm.ts";
import { type Package, PackageError, plainName, type Wanted } from "./package.ts";
import { satisfies } from "./rock-version.ts";
import { readRockspec, rockSources, type Rockspec } from "./rockspec.ts";

/** What is fetched, by the name in the lock file: the package that was asked for is the last. */
export type Fetched = Map<string, Package>;

/** Fetches packages; each rock once, in one version. */
export class Fetcher {
  readonly #fetched: Fetched = new Map();
  readonly #open: string[] = [];
  #server: RocksServer | undefined;

  /** @param locked versions of packages that are to stay where they fit, by name */
  constructor(
    readonly options: AddressOptions,
    readonly locked: ReadonlyMap<string, string> = new Map(),
  ) {}

  /** @throws PackageError */
  async fetch(wanted: Wanted): Promise<Fetched> {
    switch (wanted.from) {
      case "luarocks":
        await this.#rock(wanted.name, wanted.version ?? "", wanted.version ?? "");
        break;
      case "npm": {
        const address = await npmAddress(wanted.name, this.options);
        const { version, files } = await fetchFromNpm(address, wanted.name, wanted.version);
        const source = `npm:${wanted.name}@${version}`;
        await this.#tree("npm", wanted.name, version, source, files);
        break;
      }
      case "git": {
        const { url, ref } = wanted;
        const { commit, files } = await fetchFromGit(url, ref, this.options.directory);
        const name = url.replace(/\/+$/, "").replace(/\.git$/, "").split(/[/:]/).pop() ?? "";
        await this.#tree("git", name, commit.slice(0, 12), `git:${url}#${commit}`, files);
        break;
      }
      case "path":
        await this.#path(wanted.path);
    }
    return this.#fetched;
  }

  async #path(path: string): Promise<void> {
    const folder = resolve(this.options.directory, path);
    const fix = "name a folder with Lua files, or a Lua file";
    if (!existsSync(folder)) throw new PackageError(`there is no ${path}`, fix);
    if (statSync(folder).isDirectory()) {
      const source = /^\.{0,2}\//.test(path) ? path : `path:${path}`;
      await this.#tree("path", basename(folder), "local", source, readFolder(folder));
      return;
    }
    if (!folder.endsWith(".lua")) throw new PackageError(`${path} is no Lua file`, fix);
    const name = basename(folder, ".lua");
    const files: FileTree = new Map([[`${name}.lua`, readFileSync(folder)]]);
    await this.#tree("path", name, "local", path, files);
  }

  /** A tree of files: a module of wippy, a rock, or a folder of Lua files. */
  async #tree(
    origin: string,
    name: string,
    version: string,
    source: string,
    files: FileTree,
  ): Promise<void> {
    const own = moduleOfWippy(files);
    if (own !== undefined) {
      const module = own.name ?? `${origin}/${plainName(name)}`;
      const more = { name: module, version: own.version ?? version, source };
      this.#add({ ...more, files, libraries: new Map(), requires: [], notes: [] });
      return;
    }
    const module = `${origin}/${plainName(name)}`;
    const rockspec = rockspecOf(files);
    const sources = rockspec === undefined
      ? sourcesOf(files, plainName(name))
      : rockSources(rockspec, files);
    const dependencies = rockspec?.dependencies ?? [];
    await this.#lua({
      module,
      version,
      source,
      sources,
      licenses: licensesOf(files),
      dependencies,
    });
  }

  async #rock(name: string, constraint: string, asked?: string): Promise<Package> {
    const module = `luarocks/${name}`;
    const present = this.#fetched.get(module);
    if (present !== undefined) {
      if (satisfies(present.version, constraint)) return present;
      throw new PackageError(
        `${name} ${present.version} does not fit "${constraint}", which another package asks for`,
      );
    }
    if (this.#open.includes(name)) {
      throw new PackageError(`rocks need each other: ${[...this.#open, name].join(" -> ")}`);
    }
    this.#open.push(name);
    this.#server ??= new RocksServer(rocksAddress(this.options));
    const locked = asked === undefined ? this.locked.get(module) : undefined;
    const wanted = locked !== undefined && satisfies(locked, constraint) ? locked : constraint;
    const { version, ...rock } = await this.#server.fetch(name, wanted);
    const source = `luarocks:${name}@${version}`;
    const made = await this.#lua({ ...rock, module, version, source });
    this.#open.pop();
    return made;
  }

  /** A package of Lua files, after those that it needs. */
  async #lua(
    { module, version, source, sources, licenses, dependencies }: {
      module: string;
      version: string;
      source: string;
      sources: LuaSources;
      licenses: FileTree;
      dependencies: Rockspec["dependencies"];
    },
  ): Promise<Package> {
    const libraries = new Map<string, string>();
    const requires: string[] = [];
    for (const { name, constraint } of dependencies) {
      const needed = await this.#rock(name, constraint);
      requires.push(needed.name);
      for (const [library, id] of needed.libraries) libraries.set(library, id);
    }
    const made = makeModule(module, sources, libraries, licenses);
    const result = { name: module, version, source, requires, ...made };
    this.#add(result);
    return result;
  }

  #add(made: Package): void {
    if (!/^[\w-][\w.-]*\/[\w-][\w.-]*$/.test(made.name)) {
      throw new PackageError(`${JSON.stringify(made.name)} is no name of a module`);
    }
    this.#fetched.set(made.name, made);
  }
}

/** What the manifest of a module of wippy says; nothing for other packages. */
function moduleOfWippy(files: FileTree): { name?: string; version?: string } | undefined {
  const text = files.get("wippy.yaml");
  if (text === undefined) {
    return [...files.keys()].some((path) => /(?:^|\/)_index\.ya?ml$/.test(path)) ? {} : undefined;
  }
  let manifest: Record<string, unknown>;
  try {
    manifest = parseYaml(text.toString("utf8")) ?? {};
  } catch (error) {
    throw new PackageError(`wippy.yaml of the package is not YAML: ${(error as Error).message}`);
  }
  const { organization, module, version } = manifest;
  return {
    ...(typeof organization === "string" && typeof module === "string" && {
      name: `${organization}/${module}`,
    }),
    ...(typeof version === "string" && version !== "" && { version }),
  };
}

/** The rockspec of a folder; that of its state rather than of a release, where there are several. */
function rockspecOf(files: FileTree): Rockspec | undefined {
  const names = [...files.keys()].filter((path) => /^[^/]+\.rockspec$/.test(path)).sort();
  const name = names.find((path) => /-(?:scm|dev)-/.test(path)) ?? names.pop();
  return name === undefined ? undefined : readRockspec(files.get(name)!.toString("utf8"), name);
}
