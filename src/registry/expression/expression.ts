/**
 * The expression language of policies and of the module `expr`: lexer, parser, checker and evaluator. A run is bounded
 * in its steps and in what it makes, so no expression can hold up a worker.
 * @module
 */
import type { LuaValue } from "../../vm/value.ts";
import { check, type Names } from "./checker.ts";
import { prepare } from "./evaluator.ts";
import { parse } from "./parser.ts";
import type { Type } from "./signatures.ts";
import { ExpressionError, located } from "./source.ts";
import { State } from "./state.ts";
import { fromLua, isMap, toLua, typeName, type Value } from "./value.ts";

export { ExpressionError } from "./source.ts";

/** An expression that was checked. */
export interface Expression {
  /** What is known of the type of its result. */
  type: Type;
  /**
   * Evaluates the expression.
   *
   * @param env what names stand for: a table; a name that is not in it is nil
   * @param now nanoseconds since 1970
   * @throws ExpressionError with the place in the message
   */
  run(env: LuaValue, now: bigint): LuaValue;
}

/**
 * Compiles an expression.
 *
 * @param env a table whose names, and the types of their values, are those that the expression may use.
 *   @default all names, of all types
 * @throws ExpressionError with the place in the message: a mistake in syntax, names or types
 */
export function compileExpression(source: string, env?: LuaValue): Expression {
  return placed(source, () => {
    const tree = parse(source);
    const type = check(tree, env === undefined ? undefined : namesOf(env));
    const run = prepare(tree);
    return {
      type,
      run: (given, now) => placed(source, () => toLua(run(new State(environment(given), now)))),
    };
  });
}

function environment(given: LuaValue) {
  const env = fromLua(given);
  if (env === null) return Object.create(null);
  if (isMap(env)) return env;
  throw new ExpressionError("the environment must be a table of names");
}

function namesOf(env: LuaValue): Names {
  const found = new Map<string, Type>();
  const values = environment(env);
  for (const name in values) found.set(name, staticType(values[name]));
  return found;
}

function staticType(value: Value): Type {
  const name = typeName(value);
  // A list and a map of Lua look the same while nothing is in them.
  if (name === "map" && Object.keys(value as object).length === 0) return "unknown";
  return name === "nil" || name === "error" ? "unknown" : name as Type;
}

/** Adds the place to the message of what fails. */
function placed<Result>(source: string, work: () => Result): Result {
  try {
    return work();
  } catch (error) {
    if (error instanceof ExpressionError) {
      const { message, place } = error;
      throw place === undefined ? error : new ExpressionError(located(message, source, place));
    }
    if (error instanceof RangeError) {
      throw new ExpressionError("the expression, or a value in it, nests too deep");
    }
    throw error;
  }
}
