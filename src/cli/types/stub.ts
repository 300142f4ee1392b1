/**
 * The types of a module as LuaLS reads them: annotations in comments of a file that nobody runs.
 * @module
 */
import type { Tree, TypeNode } from "../../language/tree.ts";

/** The first line of each file, by which a later run knows that it may replace it. */
export const stubHeader = "-- Written by wippy types. Run it again after an upgrade of wippy.";

type FunctionNode = Extract<TypeNode, { kind: "FunctionType" }>;
type RecordNode = Extract<TypeNode, { kind: "Record" }>;

/** How the module is there: through `require`, as a global, or as functions that Lua's own table of the name lacks. */
export type Presence = "required" | "global" | "standard";

/** The stub of a module. @param tree of the module's types */
export function stubOf(module: string, tree: Tree, presence: Presence): string {
  return new Stub(module, tree, presence).text();
}

class Stub {
  readonly #own: ReadonlySet<string>;
  readonly #lines: string[] = [];

  constructor(readonly module: string, readonly tree: Tree, readonly presence: Presence) {
    this.#own = new Set(tree.types.map(({ name }) => name));
  }

  text(): string {
    const { module, presence } = this;
    const meta = presence === "required" ? `---@meta ${module}` : "---@meta";
    this.#lines.push(stubHeader, meta, "");
    for (const declared of this.tree.types) {
      if (declared.name === module && declared.kind === "TypeDeclaration") continue;
      const name = `${module}.${declared.name}`;
      if (declared.kind === "InterfaceDeclaration") {
        const local = `${declared.name}_`;
        this.#lines.push(`---@class ${name}`, `local ${local} = {}`, "");
        for (const { name, type } of declared.methods) {
          if (type.kind === "FunctionType") this.#function(`${local}:${name}`, type, 1);
        }
      } else if (declared.type.kind === "Record") {
        this.#lines.push(`---@class ${name}`, ...this.#fields(declared.type), "");
      } else this.#lines.push(`---@alias ${name} ${this.#shown(declared.type)}`, "");
    }
    this.#module();
    return `${this.#lines.join("\n").trimEnd()}\n`;
  }

  #module(): void {
    const { module, presence } = this;
    const own = this.tree.types.find(({ name }) => name === module);
    const type = own?.kind === "TypeDeclaration" ? own.type : undefined;
    const record: RecordNode | undefined = type?.kind === "Record" ? type : undefined;
    if (presence !== "standard") {
      const base = type && !record ? `: ${this.#shown(type)}` : "";
      this.#lines.push(`---@class ${module}${base}`);
      const values = record?.fields.filter((field) => field.type.kind !== "FunctionType") ?? [];
      if (record) this.#lines.push(...this.#fields({ ...record, fields: values }));
      this.#lines.push(presence === "required" ? `local ${module} = {}` : `${module} = {}`, "");
    }
    for (const { name, type } of record?.fields ?? []) {
      if (type.kind === "FunctionType") this.#function(`${module}.${name}`, type, 0);
    }
    if (presence === "required") this.#lines.push(`return ${module}`);
  }

  #fields({ fields }: RecordNode): string[] {
    return fields.map(({ name, optional, type }) =>
      `---@field ${name}${optional ? "?" : ""} ${this.#shown(type)}`
    );
  }

  /** @param skipped parameters that stand before the colon */
  #function(name: string, { parameters, vararg, results }: FunctionNode, skipped: number): void {
    const named = parameters.slice(skipped).map(({ name, type }, index) => ({
      name: name ?? `argument${index + 1}`,
      type,
    }));
    for (const { name, type } of named) {
      const optional = type.kind === "Optional";
      const shown = this.#shown(optional ? type.inner : type);
      this.#lines.push(`---@param ${name}${optional ? "?" : ""} ${shown}`);
    }
    if (vararg) this.#lines.push(`---@param ... ${this.#shown(vararg)}`);
    for (const result of results ?? []) this.#lines.push(`---@return ${this.#shown(result)}`);
    const list = [...named.map(({ name }) => name), ...(vararg ? ["..."] : [])];
    this.#lines.push(`function ${name}(${list.join(", ")}) end`, "");
  }

  /** A part of another type: what would not hold together stands in parentheses. */
  #part(type: TypeNode): string {
    const loose = type.kind === "Union" || type.kind === "FunctionType";
    return loose ? `(${this.#shown(type)})` : this.#shown(type);
  }

  #shown(type: TypeNode): string {
    switch (type.kind) {
      case "TypeName":
        if (type.module !== undefined) return `${type.module}.${type.name}`;
        return this.#own.has(type.name)
          ? `${this.module}.${type.name}`
          : type.name === "error"
          ? "wippy.Error"
          : type.name;
      case "Literal":
        return JSON.stringify(type.value);
      case "Optional":
        return `${this.#part(type.inner)}?`;
      case "Union":
        return type.members.map((member) => this.#part(member)).join("|");
      case "Array":
        return `${this.#part(type.element)}[]`;
      case "Map":
        return `table<${this.#shown(type.key)}, ${this.#shown(type.value)}>`;
      case "Record": {
        const fields = type.fields.map(({ name, optional, type }) =>
          `${name}${optional ? "?" : ""}: ${this.#shown(type)}`
        );
        return fields.length === 0 ? "table" : `{ ${fields.join(", ")} }`;
      }
      case "FunctionType": {
        const list = type.parameters.map(({ name, type }, index) => {
          const optional = name !== undefined && type.kind === "Optional";
          const shown = this.#shown(optional ? type.inner : type);
          return `${name ?? `argument${index + 1}`}${optional ? "?" : ""}: ${shown}`;
        });
        if (type.vararg) list.push(`...: ${this.#shown(type.vararg)}`);
        const results = (type.results ?? []).map((result) => this.#part(result)).join(", ");
        return `fun(${list.join(", ")})${results === "" ? "" : `: ${results}`}`;
      }
      default:
        return "any";
    }
  }
}
