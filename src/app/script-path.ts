import { dirname } from "node:path";

/** Where Lua's own installation looks for files, beside the current directory. */
const installed = ["/usr/local/share/lua/5.4", "/usr/share/lua/5.4"];

function templates(folder: string): string {
  return `${folder}/?.lua;${folder}/?/init.lua`;
}

/**
 * Where `require` of a script looks for files: beside the script, where Lua is installed, and in the current directory;
 * or what the variables `LUA_PATH_5_4` or `LUA_PATH` say, in which `;;` stands for that.
 *
 * @param file path of the script, as it was called
 * @returns templates, parted by `;`, as in `package.path`
 */
export function modulePath(
  file: string | undefined,
  system: Readonly<Record<string, string | undefined>>,
): string {
  const folder = file === undefined ? "." : dirname(file);
  // A template cannot hold these two.
  const beside = folder === "." || /[;?]/.test(folder) ? [] : [templates(folder)];
  const usual = [...beside, ...installed.map(templates), templates(".")].join(";");
  const given = system["LUA_PATH_5_4"] ?? system["LUA_PATH"];
  if (given === undefined) return usual;
  return given.replace(/;;/g, `;${usual};`).replace(/^;|;$/g, "");
}
