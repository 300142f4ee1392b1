import {
  compileExpression,
  type Expression,
  ExpressionError,
} from "../../registry/expression/expression.ts";
import { lazy } from "../../registry/lazy.ts";
import { z } from "../../registry/schema.ts";
import { WippyError } from "../../vm/error.ts";
import type { LuaValue } from "../../vm/value.ts";
import { defineOperation, type Operation } from "../operation.ts";

const anything = lazy(() => z.custom<LuaValue>(() => true));
const source = lazy(() => z.string({ error: "an expression is UTF-8 text" }));

/** Programs by their source; the least recently used one goes first. */
const programs = new Map<string, Expression>();
const kept = 1000;

function programOf(text: string): Expression {
  const program = programs.get(text) ?? compileExpression(text);
  programs.delete(text);
  programs.set(text, program);
  if (programs.size > kept) programs.delete(programs.keys().next().value ?? "");
  return program;
}

/** Does work whose failure is a mistake in the expression, or in what it was given. */
function attempt(work: () => LuaValue): LuaValue {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof ExpressionError)) throw error;
    throw new WippyError("Internal", error.message, { retryable: false });
  }
}

/** Host operations of the module `expr`. */
export const expr: Operation[] = [
  defineOperation({
    name: "expr.compile",
    summary: "Checks an expression, against the names and types of an environment if there is one.",
    mode: "pure",
    arguments: () => [source(), anything()],
    run: (_context, text, env) =>
      attempt(() => {
        compileExpression(text, env);
        return true;
      }),
  }),
  defineOperation({
    name: "expr.run",
    summary: "Returns the value of an expression in an environment, at a time.",
    mode: "pure",
    arguments: () => [source(), anything(), z.union([z.number(), z.bigint()])],
    run: (_context, text, env, now) => attempt(() => programOf(text).run(env, BigInt(now))),
  }),
];
