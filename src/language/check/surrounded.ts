import type { Tree } from "../tree.ts";
import { givenFields } from "./exports.ts";
import type { Surroundings } from "./library.ts";
import { metamethodsOf } from "./metatables.ts";
import { dynamic, type Type } from "./types.ts";
import { Values } from "./values.ts";

/** The functions of `string`. */
const textMethods: ReadonlySet<string> = new Set(
  ("byte char dump find format gmatch gfind gsub len lower match pack packsize rep reverse sub " +
    "unpack upper").split(" "),
);

/** Asks what a text finds around itself, and what it changes there. */
export abstract class Surrounded extends Values {
  #given: Set<string> | undefined;
  #mentioned: ReadonlySet<string> | undefined;

  constructor(readonly tree: Tree, readonly surroundings: Surroundings) {
    super();
  }

  protected override globalType(name: string): Type {
    if (this.tree.assigned.has(name)) return dynamic;
    return this.surroundings.global(name)?.value ?? dynamic;
  }

  protected override requiredType(name: string): Type {
    return this.surroundings.require(name)?.value ?? dynamic;
  }

  protected override assigns(name: string): boolean {
    return this.tree.assigned.has(name);
  }

  protected override gives(name: string): boolean {
    return (this.#given ??= givenFields(this.tree)).has(name);
  }

  protected override mentions(metamethod: string): boolean {
    return this.metamethods().has(metamethod);
  }

  /** The metamethods that the text mentions. */
  protected metamethods(): ReadonlySet<string> {
    return this.#mentioned ??= metamethodsOf(this.tree);
  }

  protected override lacksMethod(name: string): boolean {
    return this.surroundings.fixed === true && !textMethods.has(name) && !this.gives(name) &&
      !this.tree.assigned.has("string");
  }
}
