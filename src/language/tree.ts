/**
 * The tree of a text of typed Lua. Every node has its place, in bytes from the text's beginning; `end` is behind it.
 * @module
 */
import type { Comment, Fault } from "./lexer.ts";

interface Place {
  start: number;
  end: number;
}

/** A name that `local`, a parameter list or `for` declares. */
export interface Binding extends Place {
  name: string;
  type: TypeNode | undefined;
  /** `const` or `close`. */
  attribute: string | undefined;
  declared: "local" | "parameter" | "for" | "function" | "self";
  /** Whether the text assigns to it, besides declaring it. */
  assigned: boolean;
  /** The value it is declared with, where one stands in its place. */
  value: Expression | undefined;
}

export interface Name extends Place {
  kind: "Name";
  name: string;
  /** What it names; undefined: a global. */
  local: Binding | undefined;
  /** How it is used: called, or called with one of the methods of type values. */
  used: "call" | "method" | undefined;
}

export interface FunctionBody extends Place {
  kind: "Function";
  typeParameters: TypeParameter[];
  parameters: Binding[];
  vararg?: Place & { type?: TypeNode };
  results?: TypeNode[];
  body: Statement[];
}

export interface TableField extends Place {
  /** Absent: an element of the sequence. */
  key?: Expression;
  value: Expression;
}

export type Expression =
  | Place & { kind: "Nil" | "True" | "False" | "Vararg" | "Missing" }
  | Place & { kind: "Number"; text: string }
  | Place & { kind: "String"; value: string }
  | Name
  | FunctionBody
  | Place & { kind: "Member"; object: Expression; name: string; nameStart: number }
  | Place & { kind: "Index"; object: Expression; key: Expression }
  | Place & { kind: "Call"; callee: Expression; args: Expression[] }
  | Place & { kind: "MethodCall"; object: Expression; name: string; args: Expression[] }
  | Place & { kind: "Binary"; operator: string; left: Expression; right: Expression }
  | Place & { kind: "Unary"; operator: string; operand: Expression }
  | Place & { kind: "Paren"; inner: Expression }
  | Place & { kind: "Table"; fields: TableField[] }
  | Place & { kind: "Cast"; operand: Expression; type: TypeNode }
  | Place & { kind: "NonNil"; operand: Expression };

export interface TypeParameter extends Place {
  name: string;
  bound?: TypeNode;
}

export interface TypeDeclaration extends Place {
  kind: "TypeDeclaration";
  name: string;
  parameters: TypeParameter[];
  type: TypeNode;
}

export interface InterfaceDeclaration extends Place {
  kind: "InterfaceDeclaration";
  name: string;
  extends: string[];
  methods: RecordField[];
}

export type Statement =
  | Place & { kind: "Local"; bindings: Binding[]; values: Expression[] }
  | Place & { kind: "Assign"; targets: Expression[]; values: Expression[] }
  | Place & { kind: "CallStatement"; call: Expression }
  | Place & { kind: "Do"; body: Statement[] }
  | Place & { kind: "While"; condition: Expression; body: Statement[] }
  | Place & { kind: "Repeat"; condition: Expression; body: Statement[] }
  | Place & {
    kind: "If";
    clauses: { condition: Expression; body: Statement[] }[];
    otherwise?: Statement[];
  }
  | Place & { kind: "NumericFor"; variable: Binding; bounds: Expression[]; body: Statement[] }
  | Place & { kind: "GenericFor"; variables: Binding[]; values: Expression[]; body: Statement[] }
  | Place & { kind: "FunctionStatement"; target: Expression; method: boolean; body: FunctionBody }
  | Place & { kind: "LocalFunction"; binding: Binding; body: FunctionBody }
  | Place & { kind: "Return"; values: Expression[] }
  | Place & { kind: "Break" }
  | Place & { kind: "Goto" | "Label"; name: string }
  | TypeDeclaration
  | InterfaceDeclaration;

export interface Validator extends Place {
  name: string;
  argument?: Expression;
}

export interface RecordField extends Place {
  name: string;
  optional: boolean;
  type: TypeNode;
}

export interface FunctionParameter {
  name?: string;
  type: TypeNode;
}

export type TypeNode =
  | Place & { kind: "TypeName"; module?: string; name: string; args: TypeNode[]; local?: Binding }
  | Place & { kind: "Literal"; value: string | number | bigint | boolean }
  | Place & { kind: "Optional"; inner: TypeNode }
  | Place & { kind: "Union" | "Intersection" | "Tuple"; members: TypeNode[] }
  | Place & { kind: "Array"; element: TypeNode }
  | Place & { kind: "Map"; key: TypeNode; value: TypeNode }
  | Place & { kind: "Record"; fields: RecordField[] }
  | Place & {
    kind: "FunctionType";
    parameters: FunctionParameter[];
    vararg?: TypeNode;
    /** Absent: nothing is said about results. */
    results?: TypeNode[];
  }
  | Place & { kind: "Validated"; base: TypeNode; validators: Validator[] }
  | Place & { kind: "Indexed"; object: TypeNode; index: TypeNode }
  | Place & { kind: "Typeof"; expression: Expression }
  | Place & { kind: "Keyof"; type: TypeNode }
  | Place & { kind: "Asserts"; name: string; type?: TypeNode }
  | Place & {
    kind: "Conditional";
    left: TypeNode;
    right: TypeNode;
    then: TypeNode;
    otherwise: TypeNode;
  }
  | Place & { kind: "Readonly"; inner: TypeNode }
  | Place & { kind: "MissingType" };

/** A change that turns the text into Lua 5.4: blanks, or other text. */
export interface Edit extends Place {
  /** Absent: what is there becomes blank, but for its line breaks. */
  text?: string;
}

/** What the parser found in a text. */
export interface Tree {
  text: string;
  body: Statement[];
  comments: Comment[];
  /** In the order in which they were found; none: the text is sound. */
  faults: Fault[];
  /** Declarations of the chunk itself, in order. */
  types: (TypeDeclaration | InterfaceDeclaration)[];
  /** Uses of names that no local has, outside of types. */
  globals: Name[];
  /** Names of globals that the text assigns to. */
  assigned: ReadonlySet<string>;
  /** Literals whose escapes only the dialect accepts, and what they are in Lua 5.4. */
  foreignStrings: readonly Required<Edit>[];
  /** Changes that erase what Lua 5.4 has not, in no order. */
  edits: Edit[];
  /** Where the operands of casts and `!` are that may yield several values. */
  cutOperands: Place[];
  /** `local f = function …` whose body uses the name. */
  selfReferences: Extract<Statement, { kind: "Local" }>[];
  /** Whether anything in it is no Lua 5.4. */
  typed: boolean;
}
