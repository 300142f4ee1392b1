/**
 * What is where in a tree: the nodes around an offset, the locals that are visible there, and the uses of one.
 * @module
 */
import type {
  Binding,
  Expression,
  FunctionBody,
  Name,
  Statement,
  TableField,
  Tree,
  TypeNode,
} from "./tree.ts";

/** A part of a text, in bytes. */
export interface Place {
  start: number;
  end: number;
}

/** A node of any kind. */
export type Node = Expression | Statement | TypeNode | Binding | TableField;

/** The nodes below a node. The declaration that a name refers to is not below it. */
function children(node: object): Node[] {
  const found: Node[] = [];
  const declares = isBinding(node);
  // No pairs are made of keys and parts: nodes are many.
  for (const key in node) {
    // The value of a binding is part of its statement.
    if (key === "local" || declares && key === "value") continue;
    const part = (node as Record<string, unknown>)[key];
    if (typeof part === "object") collect(part, found);
  }
  return found;
}

function collect(part: unknown, found: Node[]): void {
  if (Array.isArray(part)) {
    for (const each of part) collect(each, found);
  } else if (typeof part === "object" && part !== null) {
    if (!isNode(part)) return void found.push(...children(part));
    found.push(part);
    // Its annotation stands behind it, not in it.
    if (isBinding(part) && part.type) found.push(part.type);
  }
}

function isNode(part: object): part is Node {
  return "start" in part && typeof part.start === "number" && "end" in part;
}

/** Whether a node declares a local. */
export function isBinding(node: object): node is Binding {
  return "declared" in node;
}

/** Every node of a tree, in no order: without recursion, as chains may be long. */
export function* nodesOf(tree: Tree): Generator<Node> {
  const waiting: Node[] = [...tree.body];
  for (let node = waiting.pop(); node !== undefined; node = waiting.pop()) {
    yield node;
    waiting.push(...children(node));
  }
}

/** The nodes around an offset, the innermost last. An offset directly behind a node counts as in it. */
export function pathTo(tree: Tree, offset: number): Node[] {
  const path: Node[] = [];
  let below: Node[] = tree.body;
  for (;;) {
    let inner: Node | undefined;
    for (const node of below) {
      if (node.start > offset || node.end < offset) continue;
      if (inner === undefined || node.end - node.start <= inner.end - inner.start) inner = node;
    }
    if (inner === undefined) return path;
    path.push(inner);
    below = children(inner);
  }
}

/** Lists of statements in a node, each with where it begins. */
function blocksOf(node: Node): { from: number; statements: Statement[] }[] {
  if (!("kind" in node)) return [];
  switch (node.kind) {
    case "Function":
    case "Do":
    case "NumericFor":
    case "GenericFor":
    case "Repeat":
      return [{ from: node.start, statements: node.body }];
    case "While":
      return [{ from: node.condition.end, statements: node.body }];
    case "If": {
      const clauses = node.clauses.map(({ condition, body }) => ({
        from: condition.end,
        statements: body,
      }));
      const [first] = node.otherwise ?? [];
      return first ? [...clauses, { from: first.start, statements: node.otherwise! }] : clauses;
    }
    default:
      return [];
  }
}

function declaredBy(statement: Statement, offset: number): Binding[] {
  if (statement.kind === "LocalFunction") return [statement.binding];
  if (statement.kind !== "Local") return [];
  const [only, ...others] = statement.bindings;
  const [value] = statement.values;
  // `local f = function` is visible in its own body.
  const recursive = others.length === 0 && value?.kind === "Function";
  const behind = offset > statement.end;
  return behind ? statement.bindings : recursive && offset > value.start ? [only!] : [];
}

/** The locals that are visible at an offset, the innermost last: of several with one name, that one is meant. */
export function visibleAt(tree: Tree, offset: number): Binding[] {
  const found: Binding[] = [];
  const block = (statements: readonly Statement[]) => {
    for (const statement of statements) {
      if (statement.start < offset) found.push(...declaredBy(statement, offset));
    }
  };
  block(tree.body);
  for (const node of pathTo(tree, offset)) {
    if ("kind" in node) {
      if (node.kind === "Function") found.push(...node.parameters);
      if (node.kind === "NumericFor") found.push(node.variable);
      if (node.kind === "GenericFor") found.push(...node.variables);
    }
    const around = blocksOf(node).findLast(({ from }) => from <= offset);
    if (around) block(around.statements);
  }
  return found;
}

/** The name or declaration at an offset. */
export function nameAt(tree: Tree, offset: number): Name | Binding | undefined {
  const node = pathTo(tree, offset).at(-1);
  if (node === undefined) return undefined;
  if (isBinding(node)) return node;
  return "kind" in node && node.kind === "Name" ? node : undefined;
}

/** The local that an offset names or declares. */
export function bindingAt(tree: Tree, offset: number): Binding | undefined {
  const node = pathTo(tree, offset).at(-1);
  if (node === undefined) return undefined;
  if (isBinding(node)) return node.declared === "self" ? undefined : node;
  if (!("kind" in node)) return undefined;
  if (node.kind === "Name") return node.local ?? selfReferred(tree, node);
  return node.kind === "TypeName" ? node.local : undefined;
}

/** The local of `local f = function` that a name in its body means. */
export function selfReferred(tree: Tree, name: Name): Binding | undefined {
  const statement = tree.selfReferences.findLast(({ bindings, values }) =>
    bindings[0]?.name === name.name && values[0] !== undefined &&
    values[0].start <= name.start && name.end <= values[0].end
  );
  return statement?.bindings[0];
}

/** Every place that names a local, its declaration among them, in the order of the text. */
export function usesOf(tree: Tree, binding: Binding): Place[] {
  const found: Place[] = [{ start: binding.start, end: binding.end }];
  for (const node of nodesOf(tree)) {
    if (isBinding(node) || !("kind" in node)) continue;
    if (node.kind === "Name") {
      const meant = node.local ?? selfReferred(tree, node);
      if (meant === binding) found.push({ start: node.start, end: node.end });
    } else if (node.kind === "TypeName" && node.local === binding && node.module !== undefined) {
      found.push({ start: node.start, end: node.start + node.module.length });
    }
  }
  return found.sort((one, other) => one.start - other.start);
}

/** Every literal text of a program with a value. */
export function literalsOf(tree: Tree, value: string): Place[] {
  const found: Place[] = [];
  for (const node of nodesOf(tree)) {
    if ("kind" in node && node.kind === "String" && node.value === value) found.push(node);
  }
  return found.sort((one, other) => one.start - other.start);
}

/** The literal text at an offset. */
export function literalAt(
  tree: Tree,
  offset: number,
): Extract<Expression, { kind: "String" }> | undefined {
  const node = pathTo(tree, offset).at(-1);
  return node && "kind" in node && node.kind === "String" ? node : undefined;
}

/** The function that a call at an offset would be made in: the innermost around it. */
export function functionAround(tree: Tree, offset: number): FunctionBody | undefined {
  return pathTo(tree, offset).findLast((node): node is FunctionBody =>
    "kind" in node && node.kind === "Function"
  );
}
