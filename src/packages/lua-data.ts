/**
 * Reads Lua files that hold data, such as rockspecs, without running them: assignments of constants, tables and
 * concatenations. Whatever would need a running program is refused, so a file can do nothing.
 * @module
 */
import { parse, positionAt } from "../language/language.ts";
import type { Expression, Statement } from "../language/tree.ts";
import { PackageError } from "./package.ts";

/** A value of such a file. A sequence is a table with the keys "1", "2" and so on. */
export type LuaData = string | number | boolean | null | LuaTable;
export type LuaTable = Map<string, LuaData>;

/** How deep tables may be within each other. */
const deepest = 100;

/**
 * The globals that a file assigns.
 *
 * @param name of the file, for errors
 * @throws PackageError
 */
export function readLuaData(text: string, name: string): LuaTable {
  return new Reader(text, name).read();
}

class Reader {
  readonly #globals: LuaTable = new Map();
  readonly #locals: LuaTable = new Map();

  constructor(readonly text: string, readonly name: string) {}

  read(): LuaTable {
    const tree = parse(this.text);
    const [fault] = tree.faults;
    if (fault !== undefined) throw this.#refuse(fault.start, fault.message);
    for (const statement of tree.body) this.#statement(statement);
    return this.#globals;
  }

  #refuse(offset: number, why: string): PackageError {
    return new PackageError(`${this.name}:${positionAt(this.text, offset).line}: ${why}`);
  }

  #statement(statement: Statement): void {
    switch (statement.kind) {
      case "Local":
        for (const [index, { name }] of statement.bindings.entries()) {
          const value = statement.values[index];
          this.#locals.set(name, value === undefined ? null : this.#value(value, 0));
        }
        return;
      case "Assign":
        for (const [index, target] of statement.targets.entries()) {
          const value = statement.values[index];
          const data = value === undefined ? null : this.#value(value, 0);
          if (target.kind === "Name") {
            (target.local ? this.#locals : this.#globals).set(target.name, data);
          } else if (target.kind === "Member" || target.kind === "Index") {
            const table = this.#value(target.object, 0);
            if (!(table instanceof Map)) throw this.#refuse(target.start, "not a table");
            table.set(this.#key(target), data);
          }
        }
        return;
      case "Return":
        return;
      default:
        throw this.#refuse(statement.start, "only assignments are read, code is not run");
    }
  }

  #key(target: Extract<Expression, { kind: "Member" | "Index" }>): string {
    return target.kind === "Member" ? target.name : String(this.#value(target.key, 0));
  }

  #value(expression: Expression, depth: number): LuaData {
    if (depth > deepest) throw this.#refuse(expression.start, `more than ${deepest} levels`);
    const inner = (part: Expression) => this.#value(part, depth + 1);
    switch (expression.kind) {
      case "String":
        return expression.value;
      case "Number":
        return Number(expression.text);
      case "True":
      case "False":
        return expression.kind === "True";
      case "Nil":
        return null;
      case "Paren":
        return inner(expression.inner);
      case "Name":
        return (expression.local ? this.#locals : this.#globals).get(expression.name) ?? null;
      case "Member":
      case "Index": {
        const table = inner(expression.object);
        return table instanceof Map ? table.get(this.#key(expression)) ?? null : null;
      }
      case "Binary": {
        if (expression.operator !== "..") break;
        const [left, right] = [inner(expression.left), inner(expression.right)];
        const isText = (part: LuaData) => typeof part === "string" || typeof part === "number";
        if (isText(left) && isText(right)) return `${String(left)}${String(right)}`;
        throw this.#refuse(expression.start, "only texts and numbers can be joined");
      }
      case "Table": {
        const table: LuaTable = new Map();
        let count = 0;
        for (const { key, value } of expression.fields) {
          table.set(key === undefined ? String(++count) : String(inner(key)), inner(value));
        }
        return table;
      }
    }
    throw this.#refuse(expression.start, "only constants are read, code is not run");
  }
}

/** The elements of a sequence that are text. */
export function textsOf(value: LuaData | undefined): string[] {
  return value instanceof Map ? [...value.values()].filter((item) => typeof item === "string") : [];
}
