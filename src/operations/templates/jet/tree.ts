import type { LuaFloat } from "../../../vm/value.ts";

/** What has a place in a template, for its errors. */
interface Placed {
  line: number;
}

/** A value in an action. */
export type Expression =
  & Placed
  & (
    | { type: "constant"; value: null | boolean | number | bigint | LuaFloat | string }
    | { type: "context" }
    | { type: "name"; name: string }
    /** Fields of a value; `leading` ones begin with a dot and are the context's. */
    | { type: "fields"; of: Expression; names: string[]; leading: boolean }
    | { type: "index"; of: Expression; key: Expression }
    | { type: "slice"; of: Expression; from: Expression | undefined; to: Expression | undefined }
    | { type: "call"; callee: Expression; arguments: Argument[] }
    | { type: "unary"; operator: "!" | "-" | "+"; operand: Expression }
    | { type: "binary"; operator: string; left: Expression; right: Expression }
    | { type: "ternary"; test: Expression; then: Expression; otherwise: Expression }
    | { type: "pipe"; value: Expression; into: Command[] }
  );

/** An argument; `slot` stands where the piped value goes. */
export type Argument = Expression | "slot";

/** A function in a pipeline. */
export interface Command extends Placed {
  callee: Expression;
  arguments: Argument[];
}

/** `a, b := x`, or `=`. */
export interface Assignment extends Placed {
  declares: boolean;
  targets: Expression[];
  values: Expression[];
}

/** A parameter of a block, or an argument of a yield. */
export interface Parameter {
  name: string;
  value: Expression | undefined;
}

export interface Block extends Placed {
  name: string;
  parameters: Parameter[];
  context: Expression | undefined;
  body: Statement[];
  content: Statement[] | undefined;
}

/** A part of a template. */
export type Statement =
  & Placed
  & (
    | { type: "text"; text: string }
    | { type: "print"; value: Expression }
    | { type: "assign"; assignment: Assignment }
    | {
      type: "if";
      assignment: Assignment | undefined;
      test: Expression;
      then: Statement[];
      otherwise: Statement[] | undefined;
    }
    | {
      type: "range";
      assignment: Assignment | undefined;
      over: Expression;
      body: Statement[];
      otherwise: Statement[] | undefined;
    }
    | { type: "block"; block: Block }
    | {
      type: "yield";
      name: string;
      arguments: Parameter[];
      context: Expression | undefined;
      content: Statement[] | undefined;
    }
    | { type: "yield content"; context: Expression | undefined }
    | { type: "include"; name: Expression; context: Expression | undefined }
    | {
      type: "try";
      body: Statement[];
      error: string | undefined;
      handler: Statement[] | undefined;
    }
    | { type: "return"; value: Expression }
  );

/** A parsed template. */
export interface Template {
  name: string;
  extends: { name: string; line: number } | undefined;
  imports: { name: string; line: number }[];
  statements: Statement[];
  /** Every block in it, the inner ones too. */
  blocks: Map<string, Block>;
}
