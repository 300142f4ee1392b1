import { builtins } from "./builtins.ts";
import { DurationValue, TimeValue } from "./clock-value.ts";
import { floatOf, isInteger, isNumber, negated } from "./number.ts";
import { compute } from "./operators.ts";
import { predicates } from "./predicates.ts";
import { ExpressionError, type Place } from "./source.ts";
import type { State } from "./state.ts";
import type { Node, Part } from "./tree.ts";
import { isMap, itemOf, mapOf, textOf, typeName, type Value } from "./value.ts";

/** A part that can be evaluated. */
export type Run = (state: State) => Value;

/** Slots of the variables in sight, by name. */
type Slots = ReadonlyMap<string, number>;

/** Ends the evaluation of a chain of members at an optional one that is nil. */
const stopped = Symbol("stopped");

type ChainRun = (state: State) => Value | typeof stopped;

/** Makes an expression ready to run. What the result throws is an ExpressionError. */
export function prepare(tree: Node): Run {
  return compile(tree, new Map());
}

function compile(node: Node, slots: Slots): Run {
  const run = made(node, slots);
  const { place } = node;
  if (node.type === "constant") return run;
  return (state) => {
    state.step(place);
    return run(state);
  };
}

function made(node: Node, slots: Slots): Run {
  switch (node.type) {
    case "constant": {
      const { value } = node;
      return () => value;
    }
    case "name":
      return named(node, slots);
    case "pointer":
      return pointer(node);
    case "unary":
      return unary(node, slots);
    case "binary":
      return binary(node, slots);
    case "conditional": {
      const test = compile(node.test, slots);
      const then = compile(node.then, slots);
      const otherwise = compile(node.otherwise, slots);
      return (state) => (isTrue(test(state), node.test.place) ? then(state) : otherwise(state));
    }
    case "chain": {
      const chain = link(node.of, slots);
      return (state) => {
        const value = chain(state);
        return value === stopped ? null : value;
      };
    }
    case "member":
    case "method": {
      const chain = link(node, slots);
      return (state) => chain(state) as Value;
    }
    case "slice":
      return slice(node, slots);
    case "call":
      return call(node, slots);
    case "predicate":
      return compile(node.body, slots);
    case "array": {
      const items = node.items.map((item) => compile(item, slots));
      return (state) => {
        state.items(items.length, node.place);
        return items.map((item) => item(state));
      };
    }
    case "map": {
      const pairs = node.pairs.map(([key, value]) =>
        [compile(key, slots), compile(value, slots)] as const
      );
      return (state) => {
        state.items(pairs.length, node.place);
        return mapOf(pairs.map(([key, value]) => [keyed(key(state), node.place), value(state)]));
      };
    }
    case "let": {
      const slot = slots.size;
      const value = compile(node.value, slots);
      const body = compile(node.body, new Map(slots).set(node.name, slot));
      return (state) => {
        state.slots[slot] = value(state);
        return body(state);
      };
    }
    case "sequence": {
      const items = node.items.map((item) => compile(item, slots));
      return (state) => {
        let last: Value = null;
        for (const item of items) last = item(state);
        return last;
      };
    }
  }
}

function named({ name }: Part<"name">, slots: Slots): Run {
  const slot = slots.get(name);
  if (slot !== undefined) return (state) => state.slots[slot]!;
  if (name === "$env") return (state) => state.env;
  return (state) => itemOf(state.env, name) ?? null;
}

function pointer({ name }: Part<"pointer">): Run {
  if (name === "index") return (state) => state.item!.index;
  if (name === "acc") return (state) => state.item!.accumulator;
  return (state) => state.item!.value;
}

/** The truth of a value. @throws ExpressionError for what is no boolean */
export function isTrue(value: Value, place: Place): boolean {
  if (typeof value === "boolean") return value;
  throw new ExpressionError(`a boolean is expected, got ${typeName(value)}`, place);
}

function keyed(key: Value, place: Place): Value {
  if (typeof key === "string" || typeof key === "boolean" || isNumber(key)) return key;
  throw new ExpressionError(`a ${typeName(key)} cannot be the key of a map`, place);
}

function unary(node: Part<"unary">, slots: Slots): Run {
  const operand = compile(node.operand, slots);
  const { operator, place } = node;
  if (operator === "not") return (state) => !isTrue(operand(state), place);
  return (state) => {
    const value = operand(state);
    if (value instanceof DurationValue) {
      return operator === "-" ? new DurationValue(-BigInt(value.ns)) : value;
    }
    if (!isNumber(value)) {
      throw new ExpressionError(`invalid operation: ${operator} ${typeName(value)}`, place);
    }
    return operator === "-" ? negated(value) : value;
  };
}

function binary(node: Part<"binary">, slots: Slots): Run {
  const left = compile(node.left, slots);
  const right = compile(node.right, slots);
  const { operator, place } = node;
  switch (operator) {
    case "and":
      return (state) => isTrue(left(state), place) && isTrue(right(state), place);
    case "or":
      return (state) => isTrue(left(state), place) || isTrue(right(state), place);
    case "??":
      return (state) => left(state) ?? right(state);
  }
  const work = compute[operator];
  return (state) => {
    const [a, b] = [left(state), right(state)];
    const result = work(a, b, state, place);
    if (result !== undefined) return result;
    const message = `invalid operation: ${typeName(a)} ${operator} ${typeName(b)}`;
    throw new ExpressionError(message, place);
  };
}

/** A part of a chain of members. */
function link(node: Node, slots: Slots): ChainRun {
  if (node.type === "member") {
    const of = link(node.of, slots);
    const key = compile(node.key, slots);
    const { optional, place } = node;
    return (state) => {
      state.step(place);
      const value = of(state);
      if (value === stopped || (optional && value === null)) return stopped;
      return fetch(value, key(state), place);
    };
  }
  if (node.type === "method") {
    const of = link(node.of, slots);
    const given = node.arguments.map((argument) => compile(argument, slots));
    return (state) => {
      state.step(node.place);
      const value = of(state);
      return value === stopped
        ? stopped
        : method(value, node.name, given.map((argument) => argument(state)), node.place);
    };
  }
  return compile(node, slots);
}

/** A member of a map or an item of an array. @throws ExpressionError */
function fetch(value: Value, key: Value, place: Place): Value {
  if (Array.isArray(value) || typeof value === "string") {
    if (isNumber(key) && Number.isInteger(floatOf(key))) {
      return at(value, floatOf(key), place);
    }
  } else if (isMap(value)) {
    return itemOf(value, key) ?? null;
  }
  const of = value === null ? "<nil>" : typeName(value);
  throw new ExpressionError(`cannot fetch ${textOf(key)} from ${of}`, place);
}

function at(value: Value[] | string, index: number, place: Place): Value {
  const list = typeof value === "string" ? [...value] : value;
  const found = list[index < 0 ? list.length + index : index];
  if (found !== undefined) return found;
  const message = `index out of range: ${index} (array length is ${list.length})`;
  throw new ExpressionError(message, place);
}

function method(value: Value, name: string, given: readonly Value[], place: Place): Value {
  const [argument] = given;
  if (value instanceof TimeValue) {
    if (name === "Format" && typeof argument === "string") return value.format(argument);
    if (name === "Add" && argument instanceof DurationValue) return value.add(BigInt(argument.ns));
    if (argument instanceof TimeValue) {
      if (name === "Sub") return new DurationValue(value.ns - argument.ns);
      if (name === "Before") return value.ns < argument.ns;
      if (name === "After") return value.ns > argument.ns;
      if (name === "Equal") return value.ns === argument.ns;
    }
    if (name === "UTC" && given.length === 0) return new TimeValue(value.ns);
  }
  if (given.length === 0 && (value instanceof TimeValue || value instanceof DurationValue)) {
    const result = value.method(name);
    if (result !== undefined) return result;
  }
  const of = value === null ? "<nil>" : typeName(value);
  throw new ExpressionError(`${of} has no method ${name} for these arguments`, place);
}

function slice(node: Part<"slice">, slots: Slots): Run {
  const of = compile(node.of, slots);
  const from = node.from && compile(node.from, slots);
  const to = node.to && compile(node.to, slots);
  const { place } = node;
  const bound = (value: Value, length: number) => {
    if (!isInteger(value)) {
      throw new ExpressionError(`cannot slice by a ${typeName(value)}`, place);
    }
    const index = Number(value);
    return Math.max(0, Math.min(length, index < 0 ? length + index : index));
  };
  return (state) => {
    const value = of(state);
    if (!Array.isArray(value) && typeof value !== "string") {
      throw new ExpressionError(`cannot slice ${typeName(value)}`, place);
    }
    const list = typeof value === "string" ? [...value] : value;
    const begin = from ? bound(from(state), list.length) : 0;
    const end = Math.max(begin, to ? bound(to(state), list.length) : list.length);
    const part = list.slice(begin, end);
    if (typeof value === "string") {
      state.characters(value.length, place);
      return part.join("");
    }
    state.items(part.length, place);
    return part;
  };
}

function call(node: Part<"call">, slots: Slots): Run {
  const { name, place } = node;
  const given = node.arguments.map((argument) => compile(argument, slots));
  const predicate = predicates[name];
  if (predicate) {
    const [list, body, last] = given;
    // A text in place of a predicate names a field.
    const written = node.arguments[1];
    const key = written?.type === "predicate" && written.body.type === "constant" &&
        name === "sortBy" && typeof written.body.value === "string"
      ? written.body.value
      : undefined;
    const run = key === undefined
      ? body
      : (state: State) => fetch(state.item!.value, key, written!.place);
    return (state) => predicate(state, list!(state), run, last?.(state), place);
  }
  const work = builtins[name]!;
  return (state) => work(state, given.map((argument) => argument(state)), place);
}
