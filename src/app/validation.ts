import { tryDecode, unknownFields } from "../registry/decode.ts";
import { deprecatedFields, deprecationText } from "../registry/deprecation.ts";
import type { Entry } from "../registry/entry.ts";
import { pathText } from "../registry/fault.ts";
import { kinds, suggestKind } from "../registry/kinds.ts";
import { unknownWords } from "../registry/lifecycle.ts";
import { variable } from "../registry/kinds/environment.ts";
import { suggest } from "../registry/suggestion.ts";
import type { Config } from "./config.ts";
import { checkCodeGraph, isCode } from "./code-graph.ts";
import type { DefinedEntry } from "./definition.ts";
import type { Environment } from "./environment.ts";
import { isFileReference } from "./file-reference.ts";
import { nameFaults } from "./name-check.ts";
import type { Problem } from "./problem.ts";
import { checkReferences } from "./reference.ts";
import { prepareSource } from "./source.ts";
import type { TypeFault } from "./type-faults.ts";
import { excerptAt } from "./excerpt.ts";

/**
 * Compiles without running.
 *
 * @param chunkName the entry's identifier
 * @returns the first syntax error, with its line in the code, and its column in bytes where that is known
 */
export type CheckSyntax = (
  code: string,
  chunkName: string,
) => { line: number; column?: number; message: string } | undefined;

/** What of code is checked besides its syntax. Nothing by default. */
export interface CodeChecks {
  types?: boolean;
  /** Globals, and entries that calls name. */
  names?: boolean;
}

/** Whether the configuration has faults of types refuse an entry. */
export function checksTypes(config: Config | undefined): boolean {
  return config?.boolean("lua.type_system.enabled") === true &&
    config.boolean("lua.type_system.strict") === true;
}

/**
 * Finds everything that is wrong with the entries, before any of them runs.
 */
export function validateEntries(
  defined: readonly DefinedEntry[],
  environment: Environment,
  checkSyntax: CheckSyntax | undefined,
  code: CodeChecks,
): Problem[] {
  return new Validation(defined, environment, checkSyntax, code).run();
}

class Validation {
  readonly #problems: Problem[] = [];
  readonly #places = new Map<string, DefinedEntry["place"]>();
  readonly #entries = new Map<string, Entry>();

  constructor(
    defined: readonly DefinedEntry[],
    readonly environment: Environment,
    readonly checkSyntax: CheckSyntax | undefined,
    readonly code: CodeChecks,
  ) {
    for (const { entry, place } of defined) {
      this.#entries.set(entry.id, entry);
      this.#places.set(entry.id, place);
    }
  }

  run(): Problem[] {
    for (const entry of this.#entries.values()) this.#checkEntry(entry);
    for (const fault of checkCodeGraph(this.#entries)) {
      this.#add("error", fault.entry, fault.path, fault.message, fault.fix);
    }
    this.#checkVariableNames();
    this.#checkUnique();
    this.#checkConflicts();
    this.#checkCommands();
    if (this.code.types) this.#forgetTypes();
    return this.#problems;
  }

  #add(
    severity: Problem["severity"],
    id: string,
    path: readonly PropertyKey[],
    message: string,
    fix: string,
  ): void {
    const place = this.#places.get(id)!;
    this.#problems.push({
      severity,
      entry: id,
      file: place.file,
      ...place.at(path),
      message,
      fix,
    });
  }

  #checkEntry(entry: Entry): void {
    const kind = kinds.get(entry.kind);
    if (kind === undefined) {
      const message = `unknown kind "${entry.kind}"`;
      return this.#add("error", entry.id, ["kind"], message, suggestKind(entry.kind));
    }
    const decoded = tryDecode(kind, entry, this.environment);
    const wrong = new Set<string>();
    if ("faults" in decoded) {
      for (const { path, message, fix } of decoded.faults) {
        wrong.add(pathText(["data", ...path]));
        this.#add("error", entry.id, ["data", ...path], message, fix);
      }
    }
    const data = "data" in decoded ? decoded.data : entry.data;
    for (const { path, message, fix } of checkReferences(entry, data, this.#entries)) {
      if (!wrong.has(pathText(path))) this.#add("error", entry.id, path, message, fix);
    }
    for (const { path, known } of unknownFields(kind.schema, entry.data)) {
      const field = String(path[path.length - 1]);
      // The name of a variable that holds the field.
      if (field.endsWith("_env") && known.includes(field.slice(0, -"_env".length))) continue;
      const message = `unknown field ${pathText(path)} is ignored`;
      const others = known.length === 0 ? "remove it" : `there are ${known.join(", ")}`;
      this.#add("warning", entry.id, ["data", ...path], message, suggest(field, known, others));
    }
    const words = "lifecycle" in kind.schema.shape ? unknownWords(entry.data) : [];
    for (const { path, message, fix } of words) {
      this.#add("warning", entry.id, ["data", ...path], message, fix);
    }
    for (const { field, deprecation } of deprecatedFields(kind.schema, entry.data)) {
      const message = deprecationText(`field ${field}`, deprecation);
      this.#add("warning", entry.id, ["data", field], message, `use ${deprecation.instead}`);
    }
    if (isCode(entry)) this.#checkSource(entry);
  }

  #checkSource(entry: Entry): void {
    const source = entry.data["source"];
    // A reference that is still there could not be read, and has been reported.
    if (typeof source !== "string" || isFileReference(source)) return;
    const { code } = prepareSource(entry.id, source);
    const { sourceLine } = this.#places.get(entry.id)!;
    const wrong = this.checkSyntax?.(code, entry.id);
    if (wrong !== undefined) {
      const { line, column } = wrong;
      this.#problems.push({
        severity: "error",
        entry: entry.id,
        ...sourceLine(line),
        message: `Lua syntax error: ${wrong.message}`,
        ...(column !== undefined && { excerpt: excerptAt(code, line, column) }),
        fix: "correct the code at that line",
      });
      return;
    }
    const types = this.code.types ? this.#typeFaults(entry) : [];
    const read = this.code.types ? this.#codeTypes().last(entry) : undefined;
    const names = this.code.names ? nameFaults(code, entry, this.#entries, read) : [];
    for (const { line, column, message, ...fault } of [...types, ...names]) {
      this.#problems.push({
        entry: entry.id,
        ...sourceLine(line),
        column,
        message: `${message} (${fault.code})`,
        ...fault,
      });
    }
  }

  #typeFaults(entry: Entry): TypeFault[] {
    // Loaded when types are to be checked.
    const { typeFaults } = require("./type-faults.ts") as typeof import("./type-faults.ts");
    return typeFaults(entry, this.#entries);
  }

  #codeTypes() {
    const { codeTypes } = require("./code-types.ts") as typeof import("./code-types.ts");
    return codeTypes;
  }

  #forgetTypes(): void {
    this.#codeTypes().keep(this.#entries);
  }

  #checkVariableNames(): void {
    const owners = new Map<string, string>();
    for (const entry of this.#entries.values()) {
      const name = entry.data["variable"];
      if (entry.kind !== variable.name || typeof name !== "string" || name === "") continue;
      const owner = owners.get(name);
      if (owner === undefined) owners.set(name, entry.id);
      else {
        const message = `variable name already exists: ${name} (${owner})`;
        this.#add("error", entry.id, ["data", "variable"], message, "choose another name");
      }
    }
  }

  #checkUnique(): void {
    const owners = new Map<string, string>();
    for (const entry of this.#entries.values()) {
      const found = kinds.get(entry.kind)?.unique?.(entry);
      if (found === undefined) continue;
      const key = `${entry.kind} ${found.key}`;
      const owner = owners.get(key);
      if (owner === undefined) owners.set(key, entry.id);
      else {
        const message = `${found.words} already exists (${owner})`;
        this.#add("error", entry.id, ["kind"], message, found.fix);
      }
    }
  }

  #checkConflicts(): void {
    for (const kind of new Set([...this.#entries.values()].map((entry) => entry.kind))) {
      for (const found of kinds.get(kind)?.conflicts?.(this.#entries) ?? []) {
        this.#add("error", found.entry, found.path, found.message, found.fix);
      }
    }
  }

  #checkCommands(): void {
    const owners = new Map<string, string>();
    for (const entry of this.#entries.values()) {
      const command = entry.meta["command"];
      if (typeof command !== "object" || command === null) continue;
      const name = (command as Record<string, unknown>)["name"];
      if (!entry.kind.startsWith("process.") || typeof name !== "string" || name === "") continue;
      const owner = owners.get(name);
      if (owner === undefined) owners.set(name, entry.id);
      else {
        const message =
          `command "${name}" is already the command of ${owner}, which is the one run`;
        this.#add("warning", entry.id, ["meta", "command", "name"], message, "rename one of them");
      }
    }
  }
}
