import { floatOf, floatText, isNumber } from "../../../registry/expression/number.ts";
import { isMap, textOf, typeName, type Value } from "../../../registry/expression/value.ts";
import { LuaFloat } from "../../../vm/value.ts";
import { Refusal } from "./failure.ts";

/** A function that a template can call. */
export class JetFunction {
  /** @param run throws Refusal */
  constructor(readonly name: string, readonly run: (given: readonly JetValue[]) => JetValue) {}
}

/** Text that is written as it is. */
export class Written {
  constructor(readonly text: string) {}
}

/** The integers from `from` up to, but not including, `to`. */
export class Integers {
  constructor(readonly from: number, readonly to: number) {}
}

/** What a `catch` gets. */
export class Caught {
  constructor(readonly message: string) {}
}

/** A value of a template. */
export type JetValue = Value | JetFunction | Written | Integers | Caught;

/** Whether a value is one of those that also expressions have. */
export function isPlain(value: JetValue): value is Value {
  return !(value instanceof JetFunction || value instanceof Written ||
    value instanceof Integers || value instanceof Caught);
}

/** The name of a value's type, for errors. */
export function jetTypeName(value: JetValue): string {
  if (isPlain(value)) return typeName(value);
  if (value instanceof JetFunction) return "function";
  if (value instanceof Caught) return "error";
  return value instanceof Integers ? "integers" : "written text";
}

/** A value as an action prints it, before it is escaped. */
export function printed(value: JetValue): string {
  if (value === null) return "";
  if (value instanceof Caught) return value.message;
  if (value instanceof Written) return value.text;
  if (!isPlain(value)) throw new Refusal(`a ${jetTypeName(value)} cannot be printed`);
  if (value instanceof LuaFloat) return floatText(value.value);
  return textOf(value);
}

/** Whether a value counts as true: numbers other than 0, and what is not empty. */
export function isTruthy(value: JetValue): boolean {
  if (value === null || value === false || value === "") return false;
  if (!isPlain(value)) return true;
  if (isNumber(value)) return floatOf(value) !== 0;
  if (Array.isArray(value)) return value.length > 0;
  if (value instanceof Map) return value.size > 0;
  return !isMap(value) || Object.keys(value).length > 0;
}

const html: Readonly<Record<string, string>> = {
  "\0": "\ufffd",
  '"': "&#34;",
  "'": "&#39;",
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
};

/** Text that means itself in HTML, in attributes too. */
export function escapeHtml(text: string): string {
  return text.replace(/[\0"'&<>]/g, (sign) => html[sign]!);
}

/** Text that means itself in a string of JavaScript. */
export function escapeJs(text: string): string {
  return text.replace(/[\\'"<>&=\u2028\u2029]|\p{Cc}/gu, (sign) => {
    if (sign === "\\" || sign === "'" || sign === '"') return `\\${sign}`;
    return `\\u${sign.charCodeAt(0).toString(16).toUpperCase().padStart(4, "0")}`;
  });
}
