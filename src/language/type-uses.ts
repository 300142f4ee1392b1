/**
 * Where types are named.
 * @module
 */
import { isBinding, nodesOf, pathTo, type Place } from "./scope.ts";
import type { InterfaceDeclaration, Tree, TypeDeclaration, TypeNode } from "./tree.ts";

type Declaration = TypeDeclaration | InterfaceDeclaration;
type TypeName = Extract<TypeNode, { kind: "TypeName" }>;

/** The name that a declaration of a type gives. */
export function declaredName(
  { text }: Pick<Tree, "text">,
  { kind, name, start }: Declaration,
): Place {
  const at = text.indexOf(name, start + (kind === "TypeDeclaration" ? "type" : "interface").length);
  return { start: at, end: at + name.length };
}

/** The name in a use of a type, without the module and without arguments. */
export function nameOfType(
  { text }: Pick<Tree, "text">,
  { name, start, end, args }: TypeName,
): Place {
  const at = args.length > 0
    ? text.indexOf(name, start)
    : text.lastIndexOf(name, Math.max(start, end - name.length));
  return { start: at, end: at + name.length };
}

/** Where a type of the chunk declares a field or a method. */
export function placeOfField(
  tree: Tree,
  type: string | undefined,
  name: string,
): Place | undefined {
  const declared = tree.types.find((each) => each.name === type);
  const fields = declared?.kind === "InterfaceDeclaration"
    ? declared.methods
    : declared?.type.kind === "Record"
    ? declared.type.fields
    : [];
  const field = fields.find((each) => each.name === name);
  if (!field) return undefined;
  const [skipped = ""] = /^function\s+/.exec(tree.text.slice(field.start, field.end)) ?? [];
  const start = field.start + skipped.length;
  return { start, end: start + name.length };
}

/** The use of a type at an offset. */
export function typeNameAt(tree: Tree, offset: number): TypeName | undefined {
  const node = pathTo(tree, offset).findLast((each) => "kind" in each);
  return node && "kind" in node && node.kind === "TypeName" ? node : undefined;
}

/** The declaration of the chunk that an offset is on the name of, or that a name there means. */
export function declarationAt(tree: Tree, offset: number): Declaration | undefined {
  const holds = ({ start, end }: Place) => start <= offset && offset <= end;
  const own = tree.types.find((each) => holds(declaredName(tree, each)));
  if (own) return own;
  const used = typeNameAt(tree, offset);
  const name = used
    ? used.module === undefined && holds(nameOfType(tree, used)) ? used.name : undefined
    : tree.globals.find(holds)?.name;
  const declared = tree.types.find((each) => each.name === name);
  return declared && placesOfType(tree, declared).some(holds) ? declared : undefined;
}

/** Every place that names a type of the chunk, its declaration first. */
export function placesOfType(tree: Tree, declaration: Declaration): Place[] {
  const { name } = declaration;
  const hidden: Place[] = [];
  const found: Place[] = [];
  for (const node of nodesOf(tree)) {
    if (isBinding(node) || !("kind" in node)) continue;
    if (node.kind === "TypeName" && node.module === undefined && node.name === name) {
      found.push(nameOfType(tree, node));
    } else if (node.kind === "Function" && node.typeParameters.some((each) => each.name === name)) {
      hidden.push(node);
    } else if (node.kind === "TypeDeclaration") {
      if (node.parameters.some((each) => each.name === name)) hidden.push(node);
    } else if (node.kind === "InterfaceDeclaration" && node.extends.includes(name)) {
      const bases = tree.text.indexOf(":", node.start);
      const at = tree.text.slice(bases).search(new RegExp(`\\b${name}\\b`));
      if (at >= 0) found.push({ start: bases + at, end: bases + at + name.length });
    }
  }
  for (const each of tree.globals) {
    if (each.name === name) found.push({ start: each.start, end: each.end });
  }
  const own = declaredName(tree, declaration);
  const uses = found.filter(({ start }) =>
    start !== own.start && !hidden.some((each) => each.start <= start && start < each.end)
  );
  const distinct = new Map(uses.map((place) => [place.start, place]));
  return [own, ...[...distinct.values()].sort((a, b) => a.start - b.start)];
}
