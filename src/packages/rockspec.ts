import { type FileTree, subtree, topFolders } from "./file-tree.ts";
import { type LuaData, type LuaTable, readLuaData, textsOf } from "./lua-data.ts";
import { type LuaSources, nativeCode, sourcesOf } from "./lua-module.ts";
import { PackageError } from "./package.ts";
import { parseDependency, satisfies } from "./rock-version.ts";

/** The Lua that this runtime is, as dependencies see it. */
const luaVersion = "5.4";

/** What a rockspec says, as far as it matters here. */
export interface Rockspec {
  name: string;
  version: string;
  /** The name of the file of the source. */
  archive: string;
  /** Where the source is, as far as that is said; `ref` is a tag or branch of a repository. */
  source: { url?: string; ref?: string; md5?: string };
  /** Folder of the source within the archive. */
  folder?: string;
  /** Paths by module; absent: the usual places. */
  modules?: Map<string, string>;
  dependencies: { name: string; constraint: string }[];
}

function tableAt(table: LuaTable, key: string): LuaTable {
  const value = table.get(key);
  return value instanceof Map ? value : new Map<string, LuaData>();
}

/**
 * Reads a rockspec without running it.
 *
 * @param file its name, for errors
 * @throws PackageError for one that builds C code, runs programs or needs another Lua
 */
export function readRockspec(text: string, file: string): Rockspec {
  const globals = readLuaData(text, file);
  const [name, version] = [globals.get("package"), globals.get("version")];
  if (typeof name !== "string" || typeof version !== "string") {
    throw new PackageError(`${file} has no package and version`);
  }
  if (tableAt(globals, "external_dependencies").size > 0) throw nativeCode(name, "C libraries");
  const build = tableAt(globals, "build");
  const type = build.get("type") ?? "builtin";
  if (type !== "builtin" && type !== "module" && type !== "none") {
    throw new PackageError(
      `${name} is built by "${String(type)}", and wippy runs no programs of packages`,
      "choose a package of Lua files",
    );
  }
  const modules = modulesOf(name, build);
  const source = tableAt(globals, "source");
  const said = (key: string) => {
    const value = source.get(key);
    return typeof value === "string" ? value : undefined;
  };
  const [url, folder, md5] = [said("url"), said("dir"), said("md5")];
  const ref = said("tag") ?? said("branch");
  return {
    name: name.toLowerCase(),
    version,
    archive: said("file") ?? url?.replace(/[?#].*$/, "").split("/").pop() ?? "",
    source: {
      ...(url !== undefined && { url }),
      ...(ref !== undefined && { ref }),
      ...(md5 !== undefined && { md5 }),
    },
    ...(folder !== undefined && { folder }),
    ...(modules.size > 0 && { modules }),
    dependencies: dependenciesOf(name, globals),
  };
}

function modulesOf(name: string, build: LuaTable): Map<string, string> {
  const modules = new Map<string, string>();
  const listed = [...tableAt(build, "modules"), ...tableAt(tableAt(build, "install"), "lua")];
  for (const [module, path] of listed) {
    if (typeof path !== "string" || !path.endsWith(".lua")) {
      throw nativeCode(name, `module ${module}`);
    }
    const called = /^\d+$/.test(module) ? path.replace(/^.*\/|\.lua$/g, "") : module;
    modules.set(called.replace(/\.init$/, ""), path.replace(/^(?:\.\/)+/, ""));
  }
  if (tableAt(tableAt(build, "install"), "lib").size > 0) throw nativeCode(name, "install.lib");
  return modules;
}

function dependenciesOf(name: string, globals: LuaTable): Rockspec["dependencies"] {
  const dependencies = textsOf(globals.get("dependencies")).map(parseDependency);
  const lua = dependencies.find((dependency) => dependency.name === "lua");
  if (lua !== undefined && !satisfies(luaVersion, lua.constraint)) {
    throw new PackageError(`${name} needs Lua ${lua.constraint}, and wippy runs Lua ${luaVersion}`);
  }
  return dependencies.filter((dependency) => dependency !== lua);
}

/**
 * The modules of a rock among the files of its source.
 *
 * @throws PackageError when files are missing
 */
export function rockSources(rock: Rockspec, files: FileTree): LuaSources {
  const folders = [...(rock.folder === undefined ? [] : [rock.folder]), "", ...topFolders(files)];
  const { modules } = rock;
  if (modules === undefined) {
    const inner = rock.folder ?? (topFolders(files).length === 1 ? topFolders(files)[0]! : "");
    return sourcesOf(subtree(files, inner), rock.name);
  }
  const root = folders.map((folder) => subtree(files, folder)).find((tree) =>
    [...modules.values()].every((path) => tree.has(path))
  );
  if (root === undefined) {
    throw new PackageError(`${rock.name} ${rock.version} lacks files that its rockspec names`);
  }
  return new Map([...modules].map(([name, path]) => [name, root.get(path)!]));
}
