/**
 * Fetches rocks from a LuaRocks server: its manifest, archives of sources or of Lua files, and rockspecs.
 * @module
 */
import { download } from "./download.ts";
import { type FileTree, subtree, treeLimits, unpack } from "./file-tree.ts";
import { type LuaData, readLuaData } from "./lua-data.ts";
import { licensesOf, type LuaSources, nativeCode, sourcesOf } from "./lua-module.ts";
import { PackageError } from "./package.ts";
import { compareVersions, isDevelopment, satisfies } from "./rock-version.ts";
import { fetchSource } from "./rock-source.ts";
import { readRockspec, rockSources, type Rockspec } from "./rockspec.ts";

const manifestLimit = 32 * 2 ** 20;
const rockspecLimit = 2 ** 20;

/** Kinds of rocks that hold Lua files, the preferred first; behind them, a rockspec says where the sources are. */
const kinds = ["src", "all"] as const;
const usable: ReadonlySet<unknown> = new Set([...kinds, "rockspec"]);

/** A rock with its files. */
export interface Rock {
  name: string;
  version: string;
  sources: LuaSources;
  licenses: FileTree;
  dependencies: Rockspec["dependencies"];
}

/** A version of a rock in a manifest, and whether anything of it can be used here. */
interface Listed {
  version: string;
  usable: boolean;
}

/** A LuaRocks server. */
export class RocksServer {
  #manifest: Promise<Map<string, Listed[]>> | undefined;

  /** @param address of the folder that holds its manifest */
  constructor(readonly address: string) {}

  /**
   * Fetches a rock.
   *
   * @param constraint as in a rockspec; "" for the newest release
   * @throws PackageError
   */
  async fetch(name: string, constraint: string): Promise<Rock> {
    const version = /^[\w.]+-\d+$/.test(constraint)
      ? constraint
      : await this.#choose(name, constraint);
    for (const kind of kinds) {
      const file = `${name}-${version}.${kind}.rock`;
      const data = await download(`${this.address}/${file}`, treeLimits.bytes);
      if (data === undefined) continue;
      const rock = await readRock(await unpack(data, file), kind, name, version);
      if (rock.name === name && rock.version === version) return rock;
      throw new PackageError(`${file} holds ${rock.name} ${rock.version}`);
    }
    return await this.#byRockspec(name, version);
  }

  /** A rock of which the server has the rockspec only: its sources are elsewhere. */
  async #byRockspec(name: string, version: string): Promise<Rock> {
    const file = `${name}-${version}.rockspec`;
    const data = await download(`${this.address}/${file}`, rockspecLimit);
    if (data === undefined) {
      throw new PackageError(
        `${this.address} has nothing of ${name} ${version} with Lua sources`,
        "if its sources are in a repository, write git:URL",
      );
    }
    const rockspec = readRockspec(data.toString("utf8"), file);
    if (rockspec.name !== name || rockspec.version !== version) {
      throw new PackageError(`${file} holds ${rockspec.name} ${rockspec.version}`);
    }
    return rockOf(rockspec, await fetchSource(rockspec));
  }

  async #choose(name: string, constraint: string): Promise<string> {
    this.#manifest ??= this.#readManifest();
    const versions = (await this.#manifest).get(name);
    if (versions === undefined) {
      throw new PackageError(`${this.address} has no rock ${name}`, "check the name");
    }
    const fitting = versions.filter(({ version }) =>
      satisfies(version, constraint) && (!isDevelopment(version) || isDevelopment(constraint))
    ).sort((left, right) => compareVersions(right.version, left.version));
    const newest = fitting.find(({ usable }) => usable);
    if (newest !== undefined) return newest.version;
    if (fitting.length > 0) {
      throw new PackageError(`${this.address} has only machine code of ${name}`);
    }
    const all = versions.map(({ version }) => version).sort().join(", ");
    throw new PackageError(`no version of ${name} fits "${constraint}"; there are ${all}`);
  }

  /** The versions of every rock. */
  async #readManifest(): Promise<Map<string, Listed[]>> {
    for (const file of ["manifest-5.4", "manifest"]) {
      const data = await download(`${this.address}/${file}`, manifestLimit);
      if (data === undefined) continue;
      const repository = readLuaData(data.toString("utf8"), file).get("repository");
      if (!(repository instanceof Map)) throw new PackageError(`${file} lists no rocks`);
      return new Map(
        [...repository].map(([name, versions]) => [
          name,
          versions instanceof Map ? [...versions].map(listed) : [],
        ]),
      );
    }
    throw new PackageError(
      `${this.address} is no LuaRocks server: it has no manifest`,
      "name the folder of the server that holds the file manifest",
    );
  }
}

function listed([version, forms]: [string, LuaData]): Listed {
  const archs = forms instanceof Map
    ? [...forms.values()].map((form) => form instanceof Map ? form.get("arch") : undefined)
    : [];
  return { version, usable: archs.some((arch) => usable.has(arch)) };
}

async function readRock(
  files: FileTree,
  kind: (typeof kinds)[number],
  name: string,
  version: string,
): Promise<Rock> {
  const file = `${name}-${version}.rockspec`;
  const text = files.get(file);
  if (text === undefined) throw new PackageError(`the rock ${name} ${version} has no rockspec`);
  const rockspec = readRockspec(text.toString("utf8"), file);
  const { dependencies } = rockspec;
  if (kind === "all") {
    const foreign = [...files.keys()].find((path) => path.startsWith("lib/"));
    if (foreign !== undefined) throw nativeCode(name, foreign);
    const sources = sourcesOf(subtree(files, "lua"), name);
    const licenses = licensesOf(subtree(files, "doc"));
    return { name: rockspec.name, version: rockspec.version, sources, licenses, dependencies };
  }
  const archive = files.get(rockspec.archive);
  const unpacked = archive !== undefined && !rockspec.archive.endsWith(".lua")
    ? await unpack(archive, rockspec.archive)
    : new Map([...files].filter(([path]) => path !== file));
  return rockOf(rockspec, unpacked);
}

/** A rock of the files of its source. */
function rockOf(rockspec: Rockspec, unpacked: FileTree): Rock {
  const { dependencies } = rockspec;
  const sources = rockSources(rockspec, unpacked);
  const licenses = new Map(
    [...unpacked].flatMap(([path, content]): [string, Buffer][] => {
      const inner = path.replace(/^[^/]+\//, "");
      return [...licensesOf(new Map([[inner, content]]))];
    }),
  );
  return { name: rockspec.name, version: rockspec.version, sources, licenses, dependencies };
}
