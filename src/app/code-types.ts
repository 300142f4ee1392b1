import type { Checked } from "../language/check/check.ts";
import type { Library, Surroundings } from "../language/check/library.ts";
import type { Tree } from "../language/tree.ts";
import type { Entry } from "../registry/entry.ts";
import { importsOf, isCode, modulesOf } from "./code-graph.ts";
import { isFileReference } from "./file-reference.ts";
import { sandboxGlobals } from "./sandbox-globals.ts";
import { prepareSource } from "./source.ts";

/** An entry's code as it was checked. */
export interface CheckedCode extends Checked {
  /** The code, a character per byte. */
  bytes: string;
  tree: Tree;
}

/** Where entries are found, and the code of each. */
export interface CodeView {
  entries: ReadonlyMap<string, Entry>;
  /** The source of an entry; by default the one that it holds. */
  sourceOf?(entry: Entry): string | undefined;
}

/** What one look at an entry found; it stands while the code and what it uses are the same. */
interface Known {
  bytes: string;
  modules: string;
  imports: readonly (readonly [alias: string, target: string, known: Known | undefined])[];
  /** Undefined where the syntax is wrong; the error where the code is nested too deeply for the stack. */
  code: CheckedCode | RangeError | undefined;
}

/** Checks entries with what they import, and keeps what it found: only what has changed is looked at again. */
export class CodeTypes {
  readonly #known = new Map<string, Known>();
  /** Entries that are being looked at: imports in a circle are told of elsewhere. */
  readonly #open = new Set<string>();
  /** How many entries were looked at, for tests. */
  checks = 0;

  /**
   * The types of an entry's code; undefined where its syntax is wrong.
   *
   * @throws RangeError when the code is nested too deeply for the stack
   */
  check(entry: Entry, view: CodeView): CheckedCode | undefined {
    const code = this.#find(entry, view)?.code;
    if (code instanceof RangeError) throw code;
    return code;
  }

  /** What the last look at an entry's code found, whatever its text was. */
  last(entry: Entry): CheckedCode | undefined {
    const code = this.#known.get(entry.id)?.code;
    return code instanceof RangeError ? undefined : code;
  }

  /** Forgets entries that are not there any more. */
  keep(entries: ReadonlyMap<string, Entry>): void {
    for (const id of this.#known.keys()) if (!entries.has(id)) this.#known.delete(id);
  }

  #find(entry: Entry, view: CodeView): Known | undefined {
    const source = view.sourceOf ? view.sourceOf(entry) : entry.data["source"];
    if (typeof source !== "string" || isFileReference(source)) return undefined;
    if (this.#open.has(entry.id)) return undefined;
    this.#open.add(entry.id);
    try {
      const bytes = Buffer.from(prepareSource(entry.id, source).code).toString("latin1");
      const modules = JSON.stringify(modulesOf(entry));
      const imports = importsOf(entry).map(([alias, target]) => {
        const imported = view.entries.get(target);
        const known = imported && isCode(imported) ? this.#find(imported, view) : undefined;
        return [alias, target, known] as const;
      });
      const before = this.#known.get(entry.id);
      if (
        before?.bytes === bytes && before.modules === modules &&
        before.imports.length === imports.length && before.imports.every((each, index) =>
          each.every((part, at) =>
            part === imports[index]![at]
          )
        )
      ) return before;
      const code = this.#look(bytes, entry, new Map(imports.map((each) => [each[0], each])));
      const made = { bytes, modules, imports, code };
      this.#known.set(entry.id, made);
      return made;
    } finally {
      this.#open.delete(entry.id);
    }
  }

  #look(
    bytes: string,
    entry: Entry,
    imports: ReadonlyMap<string, Known["imports"][number]>,
  ): Known["code"] {
    this.checks++;
    // Loaded when types are to be checked.
    const { parse } = require(
      "../language/language.ts",
    ) as typeof import("../language/language.ts");
    const { check } = require(
      "../language/check/check.ts",
    ) as typeof import("../language/check/check.ts");
    try {
      const tree = parse(bytes);
      if (tree.faults.length > 0) return undefined;
      const found = check(
        tree,
        surroundingsOf(entry, (alias) => {
          const [, target, known] = imports.get(alias) ?? [];
          const code = known?.code instanceof RangeError ? undefined : known?.code;
          return { target, library: code?.library };
        }),
      );
      return { ...found, bytes, tree };
    } catch (error) {
      if (error instanceof RangeError) return error;
      throw error;
    }
  }
}

/** Names that scripts have from Lua itself, and applications from modules. */
const ofScripts: ReadonlySet<string> = new Set(["io", "os"]);

/**
 * What the code of an entry finds around itself.
 *
 * @param shown for what is only shown: a script is taken to require modules, where a file may have the same name
 */
export function surroundingsOf(
  entry: Entry,
  imported: (alias: string) => { target: string | undefined; library: Library | undefined },
  shown = false,
): Surroundings {
  const { moduleLibrary } = require("./module-types.ts") as typeof import("./module-types.ts");
  const listed = new Set(modulesOf(entry));
  const isScript = entry.id.startsWith("script:");
  const visible = (name: string): Library | undefined => {
    const { target, library } = imported(name);
    if (target !== undefined) return target.includes(":") ? library : moduleLibrary(target);
    if (isScript && (!shown || ofScripts.has(name))) return undefined;
    return listed.has(name) || sandboxGlobals.has(name) ? moduleLibrary(name) : undefined;
  };
  return {
    require: visible,
    global: visible,
    module: (name) => visible(name) ?? moduleLibrary(name),
    fixed: !isScript,
  };
}

/** What is known of the entries of this process. */
export const codeTypes = new CodeTypes();
