import type { InterfaceDeclaration, RecordField, Tree, TypeDeclaration, TypeNode } from "./tree.ts";
import { TypeParser } from "./type-parser.ts";

/** Reads declarations of types. */
export abstract class DeclarationParser extends TypeParser {
  /** Those of the chunk itself. */
  readonly types: Tree["types"] = [];

  /** `type Name = Type`, erased. @param ofChunk whether it is a statement of the chunk itself */
  protected typeDeclaration(ofChunk: boolean): TypeDeclaration {
    const { start } = this;
    this.typeDepth++;
    this.advance();
    const name = this.nameText();
    const parameters = this.typeParameters();
    const type: TypeNode = this.expect("=")
      ? this.type()
      : { kind: "MissingType", start: this.start, end: this.start };
    this.typeDepth--;
    this.erase(start);
    const end = this.previousEnd;
    const made: TypeDeclaration = { kind: "TypeDeclaration", name, parameters, type, start, end };
    if (ofChunk) this.types.push(made);
    return made;
  }

  /** `interface Name … end`, erased. */
  protected interfaceDeclaration(ofChunk: boolean): InterfaceDeclaration {
    const { start } = this;
    this.typeDepth++;
    this.advance();
    const name = this.nameText();
    const bases: string[] = [];
    this.typeParameters();
    if (this.accept(":")) { do bases.push(this.nameText()); while (this.accept(",")); }
    const methods: RecordField[] = [];
    while (this.kind === "function") methods.push(this.#interfaceMethod());
    this.expectClosing("end", "interface", start);
    this.typeDepth--;
    this.erase(start);
    const end = this.previousEnd;
    const made: InterfaceDeclaration = {
      kind: "InterfaceDeclaration",
      name,
      extends: bases,
      methods,
      start,
      end,
    };
    if (ofChunk) this.types.push(made);
    return made;
  }

  #interfaceMethod(): RecordField {
    const { start } = this;
    this.advance();
    const name = this.nameText();
    this.typeParameters();
    const opening = this.start;
    const parameters: { name: string; type: TypeNode }[] = [];
    let vararg: TypeNode | undefined;
    if (this.expect("(")) {
      while (this.kind === "name") {
        const { start: from } = this;
        const name = this.nameText();
        const any: TypeNode = {
          kind: "TypeName",
          name: "any",
          args: [],
          start: from,
          end: this.previousEnd,
        };
        parameters.push({ name, type: this.annotation() ?? any });
        if (!this.accept(",")) break;
      }
      if (this.accept("...")) {
        const { start, end } = this;
        vararg = this.accept(":")
          ? this.type()
          : { kind: "TypeName", name: "any", args: [], start, end };
      }
      this.expectClosing(")", "(", opening);
    }
    const results = this.resultAnnotation();
    const end = this.previousEnd;
    const type: TypeNode = {
      kind: "FunctionType",
      parameters,
      ...(vararg && { vararg }),
      ...(results && { results }),
      start,
      end,
    };
    return { name, optional: false, type, start, end };
  }
}
