import type { Statement } from "../tree.ts";

/** Whether a function has a `return` of its own. */
export function hasReturn(statements: readonly Statement[]): boolean {
  return statements.some((statement) => {
    switch (statement.kind) {
      case "Return":
        return true;
      case "If":
        return statement.clauses.some(({ body }) => hasReturn(body)) ||
          hasReturn(statement.otherwise ?? []);
      case "Do":
      case "While":
      case "Repeat":
      case "NumericFor":
      case "GenericFor":
        return hasReturn(statement.body);
      default:
        return false;
    }
  });
}
