import type { Description, LiteralValue } from "../language/describe.ts";
import { asLua, type LuaValue } from "../vm/value.ts";

/** A text of bytes as a Lua string. */
function luaText(text: string): string | Uint8Array {
  return /^[\0-\x7f]*$/.test(text) ? text : Buffer.from(text, "latin1");
}

/** A description of a type whose texts are Lua strings. */
function luaDescription(value: Description | LiteralValue | object): LuaValue {
  if (typeof value === "string") return luaText(value);
  if (Array.isArray(value)) return value.map(luaDescription);
  if (typeof value !== "object") return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, each]) => [key, luaDescription(each)]),
  );
}

/**
 * What the language says of a program's text, for `lua/kernel/core/compiler.lua`. `language.lower`: the text in Lua
 * 5.4, as its code and types, or the line and message of what is wrong with it; undefined when nothing in it is typed.
 * `language.self_calls`: the locals of `local f = function` whose bodies mean them. Undefined for other names.
 */
export function askLanguage(name: string, source: LuaValue): LuaValue {
  if (name !== "language.lower" && name !== "language.self_calls") return undefined;
  // Loaded when a text is not Lua 5.4: most programs never need it.
  const { lower, selfCalls } = require(
    "../language/language.ts",
  ) as typeof import("../language/language.ts");
  const bytes = source instanceof Uint8Array ? Buffer.from(source) : Buffer.from(String(source));
  const text = bytes.toString("latin1");
  if (name === "language.self_calls") return asLua(selfCalls(text));
  const lowered = lower(text);
  if (lowered === undefined) return undefined;
  if ("fault" in lowered) {
    const { line, message } = lowered.fault;
    return asLua({ line, message: luaText(message) });
  }
  return asLua({
    code: luaText(lowered.code),
    types: luaDescription(lowered.types),
    uses_types: lowered.usesTypes,
  });
}
