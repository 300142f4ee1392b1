import { isInteger, isNumber, negated } from "../../../registry/expression/number.ts";
import { isMap, itemOf, pairsOf, type Value } from "../../../registry/expression/value.ts";
import { Refusal } from "./failure.ts";
import { operate } from "./operators.ts";
import type { Argument, Expression } from "./tree.ts";
import { Caught, isPlain, isTruthy, JetFunction, jetTypeName, type JetValue } from "./values.ts";

/** Where an expression is evaluated. */
export interface Surroundings {
  /** What `.` is. */
  readonly context: JetValue;
  /** The variable, global or function of a name; undefined when there is none. */
  lookup(name: string): JetValue | undefined;
  /** Counts a step. @throws LimitError */
  step(): void;
  /** Renders a template for what it returns. */
  exec(given: readonly JetValue[]): JetValue;
  /** Includes a template where it is there; whether it was. */
  includeIfExists(given: readonly JetValue[]): JetValue;
}

/** The value of an expression. @throws Refusal, LimitError */
export function evaluate(node: Expression, around: Surroundings): JetValue {
  around.step();
  switch (node.type) {
    case "constant":
      return node.value;
    case "context":
      return around.context;
    case "name": {
      const found = around.lookup(node.name) ?? special(node.name, around);
      if (found === undefined) throw new Refusal(`identifier "${node.name}" is not available`);
      return found;
    }
    case "fields":
      return fields(node.names, evaluate(node.of, around), node.leading);
    case "index":
      return index(evaluate(node.of, around), evaluate(node.key, around));
    case "slice":
      return slice(
        evaluate(node.of, around),
        node.from && evaluate(node.from, around),
        node.to && evaluate(node.to, around),
      );
    case "call":
      return call(node.callee, node.arguments, around);
    case "unary": {
      const value = evaluate(node.operand, around);
      if (node.operator === "!") return !isTruthy(value);
      if (!isNumber(value)) throw new Refusal(`${node.operator} of a ${jetTypeName(value)}`);
      return node.operator === "-" ? negated(value) : value;
    }
    case "binary": {
      const left = evaluate(node.left, around);
      if (node.operator === "&&") return isTruthy(left) && isTruthy(evaluate(node.right, around));
      if (node.operator === "||") return isTruthy(left) || isTruthy(evaluate(node.right, around));
      return operate(node.operator, left, evaluate(node.right, around));
    }
    case "ternary":
      return evaluate(isTruthy(evaluate(node.test, around)) ? node.then : node.otherwise, around);
    case "pipe": {
      let value = evaluate(node.value, around);
      for (const { callee, arguments: given } of node.into) {
        value = call(callee, given, around, value);
      }
      return value;
    }
  }
}

/** Functions that act on what is around them. */
function special(name: string, around: Surroundings): JetFunction | undefined {
  if (name === "exec") return new JetFunction(name, (given) => around.exec(given));
  if (name !== "includeIfExists") return undefined;
  return new JetFunction(name, (given) => around.includeIfExists(given));
}

/** A call; the piped value goes to the slot, or before the others. */
function call(
  callee: Expression,
  given: readonly Argument[],
  around: Surroundings,
  piped?: JetValue,
): JetValue {
  if (callee.type === "name" && callee.name === "isset" && !around.lookup("isset")) {
    return given.every((each) => each !== "slot" && isSet(each, around));
  }
  const target = evaluate(callee, around);
  if (!(target instanceof JetFunction)) {
    throw new Refusal(`a ${jetTypeName(target)} cannot be called`);
  }
  const slotted = given.includes("slot");
  if (slotted && piped === undefined) throw new Refusal("_ stands where nothing is piped");
  const values = given.map((each) => (each === "slot" ? piped! : evaluate(each, around)));
  return target.run(piped === undefined || slotted ? values : [piped, ...values]);
}

/** Whether an expression has a value other than nil. */
function isSet(node: Expression, around: Surroundings): boolean {
  around.step();
  switch (node.type) {
    case "name": {
      const found = around.lookup(node.name);
      return found !== undefined && found !== null;
    }
    case "context":
      return around.context !== null;
    case "fields":
    case "index":
      try {
        return isSet(node.of, around) && evaluate(node, around) !== null;
      } catch (error) {
        if (error instanceof Refusal) return false;
        throw error;
      }
    default:
      throw new Refusal("isset expects names, fields and items");
  }
}

function fields(names: readonly string[], start: JetValue, leading: boolean): JetValue {
  let value = start;
  names.forEach((name, position) => {
    if (value instanceof Caught && name === "Error") {
      const { message } = value;
      value = new JetFunction("Error", () => message);
      return;
    }
    const map = isPlain(value) && isMap(value) ? value : undefined;
    const found = map && itemOf(map, name);
    // The last field of a map may be missing, unless it is one of the context's.
    if (found === undefined && (!map || leading || position < names.length - 1)) {
      const path = `${leading ? "." : ""}${names.join(".")}`;
      throw new Refusal(
        `there is no field or method '${name}' in ${jetTypeName(value)} (${path})`,
      );
    }
    value = found ?? null;
  });
  return value;
}

function index(of: JetValue, key: JetValue): JetValue {
  if (Array.isArray(of) || typeof of === "string") {
    if (!isInteger(key)) throw new Refusal(`an index must be an integer, not ${jetTypeName(key)}`);
    const list: ArrayLike<JetValue> = typeof of === "string" ? Buffer.from(of) : of;
    const found = list[Number(key)];
    if (found === undefined) throw new Refusal(`index out of range: ${key}`);
    return found;
  }
  if (isPlain(of) && isMap(of) && isPlain(key)) return itemOf(of, key) ?? null;
  throw new Refusal(`cannot index a ${jetTypeName(of)}`);
}

function slice(of: JetValue, from: JetValue | undefined, to: JetValue | undefined): JetValue {
  if (!Array.isArray(of) && typeof of !== "string") {
    throw new Refusal(`cannot slice a ${jetTypeName(of)}`);
  }
  const bytes = typeof of === "string" ? Buffer.from(of) : undefined;
  const length = bytes ? bytes.length : of.length;
  const bound = (value: JetValue | undefined, fallback: number) => {
    if (value === undefined) return fallback;
    const found = isInteger(value) ? Number(value) : NaN;
    if (found >= 0 && found <= length) return found;
    throw new Refusal(`slice bounds out of range, with a length of ${length}`);
  };
  const [begin, end] = [bound(from, 0), bound(to, length)];
  if (begin > end) throw new Refusal(`slice bounds out of range: ${begin} > ${end}`);
  return bytes ? bytes.subarray(begin, end).toString() : (of as Value[]).slice(begin, end);
}

/** The keys and values that a range goes over. @throws Refusal */
export function* itemsOf(value: JetValue): Generator<[key: JetValue, item: JetValue]> {
  if (Array.isArray(value)) {
    yield* value.entries();
    return;
  }
  if (value !== null && !isPlain(value) && "from" in value) {
    for (let i = value.from; i < value.to; i++) yield [i - value.from, i];
    return;
  }
  if (!isPlain(value) || !isMap(value)) {
    throw new Refusal(`cannot range over ${value === null ? "nil" : `a ${jetTypeName(value)}`}`);
  }
  yield* pairsOf(value);
}
