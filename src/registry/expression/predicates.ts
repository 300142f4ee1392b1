import { calculate, floatOf, isNumber, type Numeric } from "./number.ts";
import { order } from "./operators.ts";
import { ExpressionError, type Place } from "./source.ts";
import type { State } from "./state.ts";
import { isMap, mapOf, typeName, type Value } from "./value.ts";

/** Evaluates a predicate for the item of the state. */
type Body = ((state: State) => Value) | undefined;

/** A builtin with a predicate: the list, the predicate, and a third argument. */
type Predicate = (
  state: State,
  list: Value,
  body: Body,
  last: Value | undefined,
  place: Place,
) => Value;

/** The items of an array. A table of Lua without anything in it is an array too. @throws ExpressionError */
export function listOf(value: Value, name: string, place: Place): Value[] {
  if (Array.isArray(value)) return value;
  if (isMap(value) && !(value instanceof Map) && Object.keys(value).length === 0) return [];
  throw new ExpressionError(`invalid argument for ${name} (type ${typeName(value)})`, place);
}

/** Walks the items and evaluates the predicate for each, until `visit` returns true. */
function walk(
  state: State,
  list: readonly Value[],
  body: Body,
  visit: (result: Value, item: Value, index: number) => boolean | void,
  backwards = false,
): void {
  const outer = state.item;
  try {
    for (let i = 0; i < list.length; i++) {
      const index = backwards ? list.length - 1 - i : i;
      const value = list[index]!;
      state.item = { value, index, accumulator: null };
      if (visit(body ? body(state) : value, value, index)) return;
    }
  } finally {
    state.item = outer;
  }
}

function holds(result: Value, place: Place): boolean {
  if (typeof result === "boolean") return result;
  throw new ExpressionError(`a predicate must yield a boolean, not ${typeName(result)}`, place);
}

/** Which items the predicate holds for; `enough` says after how many the rest does not matter. */
function matching(
  name: string,
  settle: (found: number[], list: Value[]) => Value,
  enough = Infinity,
  backwards = false,
): Predicate {
  return (state, value, body, _last, place) => {
    const list = listOf(value, name, place);
    const found: number[] = [];
    walk(state, list, body, (result, _item, index) => {
      if (holds(result, place)) found.push(index);
      return found.length >= enough;
    }, backwards);
    return settle(found, list);
  };
}

const item = (found: number[], list: Value[]) => found.length > 0 ? list[found[0]!]! : null;
const index = (found: number[]) => found[0] ?? -1;

/** Sorts by keys, equal ones in their order. `direction` is `asc` or `desc`. @throws ExpressionError */
export function sorted(
  items: readonly (readonly [key: Value, item: Value])[],
  direction: Value | undefined,
  place: Place,
): Value[] {
  if (direction !== undefined && direction !== "asc" && direction !== "desc") {
    throw new ExpressionError('the order must be "asc" or "desc"', place);
  }
  return items.toSorted(([a], [b]) => {
    const found = order(a, b);
    if (found === undefined) {
      throw new ExpressionError(`cannot compare ${typeName(a)} with ${typeName(b)}`, place);
    }
    return direction === "desc" ? -found : found;
  }).map(([, each]) => each);
}

/** The sum of numbers. @throws ExpressionError */
export function add(total: Numeric, value: Value, place: Place): Numeric {
  if (isNumber(value)) return calculate("+", total, value);
  throw new ExpressionError(`invalid argument for sum (type ${typeName(value)})`, place);
}

/** The builtins that take a predicate, by name. */
export const predicates: Readonly<Record<string, Predicate>> = {
  // `all` looks for one that fails: it stops there.
  all: (state, value, body, _last, place) => {
    let result = true;
    walk(state, listOf(value, "all", place), body, (found) => {
      result = holds(found, place);
      return !result;
    });
    return result;
  },
  any: matching("any", (found) => found.length > 0, 1),
  none: matching("none", (found) => found.length === 0, 1),
  one: matching("one", (found) => found.length === 1, 2),
  find: matching("find", item, 1),
  findIndex: matching("findIndex", index, 1),
  findLast: matching("findLast", item, 1, true),
  findLastIndex: matching("findLastIndex", index, 1, true),
  count: matching("count", (found) => found.length),
  filter: (state, value, body, _last, place) => {
    const kept: Value[] = [];
    walk(state, listOf(value, "filter", place), body, (result, each) => {
      if (holds(result, place)) kept.push(each);
    });
    state.items(kept.length, place);
    return kept;
  },
  map: (state, value, body, _last, place) => {
    const made: Value[] = [];
    walk(state, listOf(value, "map", place), body, (result) => {
      made.push(result);
    });
    state.items(made.length, place);
    return made;
  },
  sum: (state, value, body, _last, place) => {
    let total: Numeric = 0;
    walk(state, listOf(value, "sum", place), body, (result) => {
      total = add(total, result, place);
    });
    return total;
  },
  groupBy: (state, value, body, _last, place) => {
    const groups = new Map<Value, Value[]>();
    walk(state, listOf(value, "groupBy", place), body, (result, each) => {
      // An integer and a float of the same worth are one key.
      const key = isNumber(result) ? floatKey(result) : result;
      if (typeof key === "object" && key !== null) {
        throw new ExpressionError(`cannot group by a ${typeName(key)}`, place);
      }
      const group = groups.get(key);
      if (group) group.push(each);
      else groups.set(key, [each]);
    });
    state.items(groups.size, place);
    return mapOf(groups);
  },
  sortBy: (state, value, body, last, place) => {
    const keyed: [Value, Value][] = [];
    walk(state, listOf(value, "sortBy", place), body, (result, each) => {
      keyed.push([result, each]);
    });
    state.items(keyed.length, place);
    state.step(place, keyed.length * Math.ceil(Math.log2(keyed.length + 1)));
    return sorted(keyed, last, place);
  },
  reduce: (state, value, body, last, place) => {
    const list = listOf(value, "reduce", place);
    if (list.length === 0 && last === undefined) {
      throw new ExpressionError("reduce of an empty array needs an initial value", place);
    }
    const outer = state.item;
    let accumulator = last === undefined ? list[0]! : last;
    try {
      for (let i = last === undefined ? 1 : 0; i < list.length; i++) {
        state.item = { value: list[i]!, index: i, accumulator };
        accumulator = body!(state);
      }
    } finally {
      state.item = outer;
    }
    return accumulator;
  },
};

function floatKey(value: Numeric): Value {
  if (typeof value !== "object") return value;
  const whole = floatOf(value);
  return Number.isSafeInteger(whole) ? whole + 0 : value;
}
