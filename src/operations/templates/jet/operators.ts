import {
  asFloat,
  asInteger,
  calculate,
  compareNumbers,
  floatOf,
  isInteger,
  isNumber,
  type Numeric,
  remainder,
} from "../../../registry/expression/number.ts";
import { equal } from "../../../registry/expression/value.ts";
import { LimitError, longestText, Refusal } from "./failure.ts";
import { isPlain, jetTypeName, type JetValue, printed } from "./values.ts";

function same(a: JetValue, b: JetValue): boolean {
  return isPlain(a) && isPlain(b) ? equal(a, b) : a === b;
}

function divided(a: Numeric, b: Numeric): Numeric {
  if (!isInteger(a) || !isInteger(b)) return asFloat(floatOf(a) / floatOf(b));
  if (BigInt(b) === 0n) throw new Refusal("integer divide by zero");
  return asInteger(BigInt(a) / BigInt(b));
}

function order(operator: string, a: JetValue, b: JetValue): number {
  if (isNumber(a) && isNumber(b)) return compareNumbers(a, b);
  if (typeof a === "string" && typeof b === "string") return a < b ? -1 : a > b ? 1 : 0;
  throw new Refusal(`cannot compare ${jetTypeName(a)} ${operator} ${jetTypeName(b)}`);
}

/** The result of an operator on two values, other than `&&` and `||`. @throws Refusal */
export function operate(operator: string, a: JetValue, b: JetValue): JetValue {
  switch (operator) {
    case "==":
      return same(a, b);
    case "!=":
      return !same(a, b);
    case "<":
      return order(operator, a, b) < 0;
    case "<=":
      return order(operator, a, b) <= 0;
    case ">":
      return order(operator, a, b) > 0;
    case ">=":
      return order(operator, a, b) >= 0;
  }
  if (operator === "+" && typeof a === "string") {
    const text = printed(b);
    if (a.length + text.length > longestText) throw new LimitError("makes a text over 16 MiB");
    return a + text;
  }
  if (!isNumber(a) || !isNumber(b)) {
    throw new Refusal(`cannot calculate ${jetTypeName(a)} ${operator} ${jetTypeName(b)}`);
  }
  switch (operator) {
    case "+":
    case "-":
    case "*":
      return calculate(operator, a, b);
    case "/":
      return divided(a, b);
    default: {
      const rest = isInteger(a) && isInteger(b) ? remainder(a, b) : undefined;
      if (rest === undefined) throw new Refusal("% needs two integers, the second not 0");
      return rest;
    }
  }
}
