/**
 * Whether a type is being written, and which types may stand there.
 * @module
 */
import { pathTo } from "../language/scope.ts";
import type { Tree } from "../language/tree.ts";

/** What stands before the cursor on its line where a type is expected. */
const before: readonly RegExp[] = [
  /\blocal\s+(?!function\b)[A-Za-z_][^=]*:[^=]*$/,
  // A parameter, and a result.
  /\bfunction\b[^()]*\((?:[^()]|\([^()]*\))*:\s*[^(),=]*$/,
  /\bfunction\b[^()]*\((?:[^()]|\([^()]*\))*\)\s*:\s*[\w.|&<>{}[\]?]*$/,
  /\sas\s+[\w.]*$/,
  /\S\s*::\s*[\w.]*$/,
  /^\s*type\s+[A-Za-z_]\w*\s*(?:<[^=]*>)?\s*=/,
];

/** Whether a type is expected at an offset. @param line what stands before it on its line */
export function isTypePosition(tree: Tree, offset: number, line: string): boolean {
  if (before.some((each) => each.test(line))) return true;
  return pathTo(tree, offset).some((node) =>
    "kind" in node && (node.kind === "TypeDeclaration" || node.kind === "InterfaceDeclaration") &&
    offset < node.end
  );
}

/** Type parameters that are visible at an offset. */
export function typeParametersAt(tree: Tree, offset: number): string[] {
  return pathTo(tree, offset).flatMap((node) =>
    !("kind" in node)
      ? []
      : node.kind === "Function"
      ? node.typeParameters.map(({ name }) => name)
      : node.kind === "TypeDeclaration"
      ? node.parameters.map(({ name }) => name)
      : []
  );
}
