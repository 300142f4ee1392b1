import type { LuaFloat } from "../../vm/value.ts";
import type { Place } from "./source.ts";

/** A part of an expression. */
export type Node =
  & { place: Place }
  & (
    | { type: "constant"; value: null | boolean | number | bigint | LuaFloat | string }
    | { type: "name"; name: string }
    /** `#`, `#acc`, `#index`: the item that a predicate looks at, and what comes with it. */
    | { type: "pointer"; name: "" | "acc" | "index" }
    | { type: "unary"; operator: "not" | "-" | "+"; operand: Node }
    | { type: "binary"; operator: BinaryOperator; left: Node; right: Node }
    | { type: "conditional"; test: Node; then: Node; otherwise: Node }
    | { type: "member"; of: Node; key: Node; optional: boolean }
    /** All of a chain of members, whose optional ones make the whole nil. */
    | { type: "chain"; of: Node }
    | { type: "slice"; of: Node; from: Node | undefined; to: Node | undefined }
    | { type: "method"; of: Node; name: string; arguments: Node[] }
    | { type: "call"; name: string; arguments: Node[] }
    | { type: "predicate"; body: Node }
    | { type: "array"; items: Node[] }
    | { type: "map"; pairs: [Node, Node][] }
    | { type: "let"; name: string; value: Node; body: Node }
    | { type: "sequence"; items: Node[] }
  );

export type BinaryOperator =
  | "+"
  | "-"
  | "*"
  | "/"
  | "%"
  | "**"
  | "=="
  | "!="
  | "<"
  | "<="
  | ">"
  | ">="
  | "and"
  | "or"
  | "??"
  | "in"
  | "contains"
  | "startsWith"
  | "endsWith"
  | "matches"
  | "..";

/** A part of a certain type. */
export type Part<Type extends Node["type"]> = Extract<Node, { type: Type }>;
