import { moduleTypes } from "../../build/module-types.js";
import { declaredLibrary } from "../language/check/declarations.ts";
import type { Library } from "../language/check/library.ts";
import { parse } from "../language/language.ts";

/** Tables of Lua's own, which have more functions than those that this runtime adds. */
const partly: ReadonlySet<string> = new Set(["coroutine", "os"]);

const known = new Map<string, Library>();

/** What `require` returns for a built-in module, or what the global of that name holds. */
export function moduleLibrary(name: string): Library | undefined {
  const found = known.get(name);
  if (found || !Object.hasOwn(moduleTypes, name)) return found;
  const tree = parse(Buffer.from(moduleTypes[name]!).toString("latin1"));
  const made = declaredLibrary(name, tree, moduleLibrary, partly.has(name));
  known.set(name, made);
  return made;
}
