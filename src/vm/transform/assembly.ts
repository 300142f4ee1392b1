import { type ModuleText, TransformError } from "./module_text.ts";

/**
 * Splices the compiled natives into the module. A declared function without a body is Lua's or the transform's of
 * that name; an exported function gets its own name, and is exported unless it is for Lua; all else keeps the name of
 * its file and itself.
 *
 * @returns the names of the functions
 */
export function addAssembly(module: ModuleText, natives: string): Set<string> {
  // What the natives burn beyond their rounds.
  module.append(`
 (func $burn (param $units i32)
  (global.set $fuel (i32.sub (global.get $fuel) (local.get $units))))`);
  const body = natives.slice(natives.indexOf("\n") + 1, natives.lastIndexOf(")"));
  const fields = body.split(/^(?= \()/m);
  const names = new Map<string, string>();
  for (const field of fields) {
    const [, imported, local] = /^ \(import "[^"]+" "(\w+)" \(func (\$[^\s)]+)/.exec(field) ?? [];
    if (imported !== undefined && local !== undefined) {
      module.function(imported);
      names.set(local, `$${imported}`);
    }
    const [, exported, own] = /^ \(export "(\w+)" \(func (\$[^\s)]+)/.exec(field) ?? [];
    if (exported !== undefined && own !== undefined) {
      names.set(own, `$${exported}`);
      // Functions that are not fields of Lua's `host` are for JavaScript.
      if (!exported.startsWith("host_")) {
        module.append(`(export "${exported}" (func $${exported}))`);
      }
    }
    if (/^ \(data/.test(field)) throw new TransformError("natives", `they have data: ${field}`);
  }
  const added = new Set<string>();
  for (const field of fields) {
    if (!/^ \((func|global) /.test(field) || field.startsWith(" (global $~lib/")) continue;
    const text = field.replace(/ \(type \$\d+\)/, "")
      .replaceAll(/\$[^\s()]+/g, (name) => names.get(name) ?? name);
    const name = /^ \(func \$(\S+)/.exec(text)?.[1];
    if (name !== undefined) added.add(name);
    module.append(text);
  }
  return added;
}
