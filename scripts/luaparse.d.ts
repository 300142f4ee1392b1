// The part of luaparse's tree that lua-lint.ts reads. The package has no types of its own.
declare module "luaparse" {
  interface Position {
    line: number;
    column: number;
  }
  /** Any node of the tree; which fields it has depends on its type. */
  export interface Node {
    type: string;
    loc?: { start: Position; end: Position };
    /** Offsets in the source, the end excluded. */
    range?: [number, number];
    [field: string]: unknown;
  }
  export interface Identifier extends Node {
    type: "Identifier";
    name: string;
  }
  /** Parses a source. Throws a SyntaxError that has line, column (from 0) and a message with both. */
  export function parse(
    source: string,
    options: { luaVersion: "5.1" | "5.2" | "5.3" | "LuaJIT"; locations: true; ranges: true },
  ): Node;
  const luaparse: { parse: typeof parse };
  export default luaparse;
}
