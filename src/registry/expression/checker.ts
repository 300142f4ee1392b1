import { compilePattern } from "../pattern.ts";
import { signatureOf, type Type } from "./signatures.ts";
import { ExpressionError } from "./source.ts";
import type { Node, Part } from "./tree.ts";

/** What an expression may name: types by name. Undefined: every name, of any type. */
export type Names = ReadonlyMap<string, Type> | undefined;

type Scope = ReadonlyMap<string, Type>;

/** Finds the type of an expression, and its mistakes. @throws ExpressionError */
export function check(tree: Node, names: Names): Type {
  const visit = (node: Node, scope: Scope): Type => {
    switch (node.type) {
      case "constant":
        return typeOfConstant(node.value);
      case "name":
        return typeOfName(node, names, scope);
      case "pointer":
        return node.name === "index" ? "int" : "unknown";
      case "unary":
        return unary(node, visit(node.operand, scope));
      case "binary":
        return binary(node, visit(node.left, scope), visit(node.right, scope));
      case "conditional": {
        boolean(visit(node.test, scope), "a condition", node.test);
        return either(visit(node.then, scope), visit(node.otherwise, scope));
      }
      case "chain":
        return either(visit(node.of, scope), "nil");
      case "member":
        return member(node, visit(node.of, scope), visit(node.key, scope));
      case "slice": {
        const of = visit(node.of, scope);
        for (const bound of [node.from, node.to]) {
          if (bound) expected(["int"], visit(bound, scope), "a bound of a slice", bound);
        }
        return expected(["array", "string"], of, "what is sliced", node);
      }
      case "method": {
        const of = visit(node.of, scope);
        for (const argument of node.arguments) visit(argument, scope);
        return expected(["time", "duration"], of, `what has the method ${node.name}`, node) &&
          "unknown";
      }
      case "call":
        return call(node, (part) => visit(part, scope));
      case "predicate":
        return visit(node.body, scope);
      case "array":
        for (const item of node.items) visit(item, scope);
        return "array";
      case "map":
        for (const [key, value] of node.pairs) {
          visit(key, scope);
          visit(value, scope);
        }
        return "map";
      case "let":
        return visit(node.body, declared(node, visit(node.value, scope), names, scope));
      case "sequence": {
        let last: Type = "nil";
        for (const item of node.items) last = visit(item, scope);
        return last;
      }
    }
  };
  return visit(tree, new Map());
}

function typeOfConstant(value: Part<"constant">["value"]): Type {
  switch (typeof value) {
    case "boolean":
      return "bool";
    case "string":
      return "string";
    case "number":
      return Number.isSafeInteger(value) ? "int" : "float";
    case "bigint":
      return "int";
    default:
      return value === null ? "nil" : "float";
  }
}

function typeOfName({ name, place }: Part<"name">, names: Names, scope: Scope): Type {
  if (name === "$env") return "map";
  const found = scope.get(name) ?? names?.get(name);
  if (found) return found;
  if (names) throw new ExpressionError(`unknown name ${name}`, place);
  return "unknown";
}

function declared(node: Part<"let">, type: Type, names: Names, scope: Scope): Scope {
  const { name, place } = node;
  if (names?.has(name)) throw new ExpressionError(`cannot redeclare ${name}`, place);
  if (signatureOf(name)) throw new ExpressionError(`cannot redeclare builtin ${name}`, place);
  if (scope.has(name)) throw new ExpressionError(`cannot redeclare variable ${name}`, place);
  return new Map(scope).set(name, type);
}

function either(a: Type, b: Type): Type {
  return a === b ? a : "unknown";
}

function expected(types: readonly Type[], found: Type, what: string, { place }: Node): Type {
  if (found === "unknown" || types.includes(found)) return found;
  throw new ExpressionError(`${what} must be ${types.join(" or ")}, not ${found}`, place);
}

function boolean(found: Type, what: string, node: Node): void {
  expected(["bool"], found, what, node);
}

function unary(node: Part<"unary">, operand: Type): Type {
  if (operand === "unknown") return node.operator === "not" ? "bool" : "unknown";
  const fits = node.operator === "not"
    ? operand === "bool"
    : operand === "int" || operand === "float" || operand === "duration";
  if (fits) return operand;
  throw new ExpressionError(
    `invalid operation: ${node.operator} (mismatched type ${operand})`,
    node.place,
  );
}

const numbers: readonly Type[] = ["int", "float"];

function isNumber(type: Type): boolean {
  return type === "unknown" || numbers.includes(type);
}

function are(types: readonly Type[], type: Type): boolean {
  return types.every((each) => each === "unknown" || each === type);
}

function binary(node: Part<"binary">, left: Type, right: Type): Type {
  const result = combined(node, left, right);
  if (result) return result;
  throw new ExpressionError(
    `invalid operation: ${node.operator} (mismatched types ${left} and ${right})`,
    node.place,
  );
}

function combined(node: Part<"binary">, left: Type, right: Type): Type | undefined {
  const types = [left, right];
  const numeric = isNumber(left) && isNumber(right);
  switch (node.operator) {
    case "==":
    case "!=":
      return comparable(left, right) ? "bool" : undefined;
    case "and":
    case "or":
      return are(types, "bool") ? "bool" : undefined;
    case "<":
    case "<=":
    case ">":
    case ">=":
      return numeric || are(types, "string") || are(types, "time") || are(types, "duration")
        ? "bool"
        : undefined;
    case "??":
      return left === "nil" ? right : either(left, right);
    case "in":
      return right === "unknown" || right === "array" || right === "map" || right === "nil"
        ? "bool"
        : undefined;
    case "matches":
      if (!are(types, "string")) return undefined;
      checkPattern(node.right);
      return "bool";
    case "contains":
    case "startsWith":
    case "endsWith":
      return are(types, "string") ? "bool" : undefined;
    case "..":
      return are(types, "int") ? "array" : undefined;
    case "%":
      return are(types, "int") ? "int" : undefined;
    case "/":
    case "**":
      return numeric ? "float" : undefined;
    default:
      return sum(node.operator, left, right, numeric);
  }
}

function sum(operator: string, left: Type, right: Type, numeric: boolean): Type | undefined {
  if (left === "unknown" || right === "unknown") {
    const known = left === "unknown" ? right : left;
    const fits = ["unknown", "int", "float", "duration"].includes(known) ||
      (operator !== "*" && known === "time") || (operator === "+" && known === "string");
    return fits ? "unknown" : undefined;
  }
  if (numeric) return left === "int" && right === "int" ? "int" : "float";
  const pair = `${left} ${operator} ${right}`;
  const results: Readonly<Record<string, Type>> = {
    "string + string": "string",
    "time - time": "duration",
    "time + duration": "time",
    "duration + time": "time",
    "time - duration": "time",
    "duration + duration": "duration",
    "duration - duration": "duration",
    "duration * int": "duration",
    "duration * float": "duration",
    "int * duration": "duration",
    "float * duration": "duration",
  };
  return results[pair];
}

function comparable(left: Type, right: Type): boolean {
  return left === right || left === "unknown" || right === "unknown" || left === "nil" ||
    right === "nil" || (isNumber(left) && isNumber(right));
}

function checkPattern(node: Node): void {
  if (node.type !== "constant" || typeof node.value !== "string") return;
  try {
    compilePattern(node.value);
  } catch (error) {
    throw new ExpressionError((error as Error).message, node.place);
  }
}

function member(node: Part<"member">, of: Type, key: Type): Type {
  const indexed = of === "array" || of === "string";
  if (of === "unknown" || of === "map" || (of === "nil" && node.optional)) return "unknown";
  if (indexed && (key === "int" || key === "unknown")) {
    return of === "string" ? "string" : "unknown";
  }
  if (indexed) {
    throw new ExpressionError(`${of} elements can only be selected using an integer`, node.place);
  }
  const shown = node.key.type === "constant" ? String(node.key.value) : "a member";
  throw new ExpressionError(`type ${of} has no field ${shown}`, node.place);
}

function call(node: Part<"call">, visit: (part: Node) => Type): Type {
  const signature = signatureOf(node.name)!;
  const { parameters, predicate, returns } = signature;
  node.arguments.forEach((argument, index) => {
    const found = visit(argument);
    if (index === 1 && predicate) {
      if (predicate === "bool") boolean(found, "a predicate", argument);
      return;
    }
    const parameter = parameters[Math.min(index, parameters.length - 1)]!;
    if (parameter === "any" || found === "unknown" || parameter.includes(found)) return;
    throw new ExpressionError(
      `invalid argument for ${node.name} (type ${found})`,
      argument.place,
    );
  });
  return returns;
}
