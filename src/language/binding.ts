import type { Binding } from "./tree.ts";

/** A binding that nothing is known of but where its name stands. */
export function declaredAs(
  name: string,
  declared: Binding["declared"],
  start: number,
  end: number,
): Binding {
  const [type, attribute, value] = [undefined, undefined, undefined];
  return {
    name,
    declared,
    type,
    attribute: attribute || undefined,
    assigned: false,
    value,
    start,
    end,
  };
}
