import { BoundedMap } from "../../../platform/bounded-map.ts";
import type { SqlValue } from "../driver.ts";
import { sqliteQuoted } from "../text.ts";

/** Where a parameter is in a text. */
interface Place {
  start: number;
  end: number;
  /** Its number, from 1. */
  number: number;
}

/** Literals, quoted names, comments and words, in which no parameter begins, or else a parameter. */
const tokens = new RegExp(
  sqliteQuoted +
    String.raw`|--[^\n]*|\/\*[\s\S]*?(?:\*\/|$)|[A-Za-z_\u0080-\uffff][\w$\u0080-\uffff]*|` +
    String.raw`(\?\d*|[:@#$][\w$\u0080-\uffff]+(?:::[\w$\u0080-\uffff]+)*)`,
  "g",
);

/** The parameters of a statement, numbered as SQLite does. */
function placesOf(sql: string): Place[] {
  const numbers = new Map<string, number>();
  let last = 0;
  return [...sql.matchAll(tokens)].flatMap(({ 0: text, 1: parameter, index }) => {
    if (parameter === undefined) return [];
    let number: number;
    if (parameter === "?") number = last + 1;
    else if (parameter[0] === "?") number = Number(parameter.slice(1));
    else numbers.set(parameter, number = numbers.get(parameter) ?? last + 1);
    last = Math.max(last, number);
    return [{ start: index, end: index + text.length, number }];
  });
}

const known = new BoundedMap<string, readonly Place[]>(100);

/**
 * The text of a statement, with whole floats marked as floats. Bun binds a number without a fraction as an integer,
 * which differs in text, in division and in columns without a type. The plus leaves the parameter without the affinity
 * that a cast has, so that comparisons see it as before.
 */
export function withFloats(sql: string, params: readonly SqlValue[]): string {
  if (!params.some((value) => Number.isInteger(value))) return sql;
  let places = known.get(sql);
  if (!places) known.set(sql, places = placesOf(sql));
  let text = "";
  let end = 0;
  for (const place of places) {
    if (!Number.isInteger(params[place.number - 1])) continue;
    text += `${sql.slice(end, place.start)}(+CAST(${sql.slice(place.start, place.end)} AS REAL))`;
    end = place.end;
  }
  return text + sql.slice(end);
}
