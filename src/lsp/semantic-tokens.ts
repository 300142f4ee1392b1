import { type SemanticTokens, SemanticTokensBuilder } from "vscode-languageserver";
import { isBinding, type Node, nodesOf, type Place } from "../language/scope.ts";
import type { Binding, InterfaceDeclaration, TypeDeclaration } from "../language/tree.ts";
import { declaredName, nameOfType } from "../language/type-uses.ts";
import type { SourceText } from "./source-text.ts";
import { isLua } from "./workspace.ts";

/** Kinds of names that only a parser tells apart, by their number in the protocol. */
export const tokenTypes = ["type", "parameter", "function", "keyword", "interface"] as const;

type TokenType = (typeof tokenTypes)[number];

interface Token {
  place: Place;
  type: TokenType;
}

function typeOf(binding: Binding): TokenType | undefined {
  if (binding.declared === "parameter") return "parameter";
  return binding.value?.kind === "Function" ? "function" : undefined;
}

/** The word of a declaration and the name behind it: `type Point`. */
function declaration(node: TypeDeclaration | InterfaceDeclaration, text: string): Token[] {
  const { kind, start } = node;
  const [word, type] = kind === "TypeDeclaration"
    ? ["type", "type"] as const
    : ["interface", "interface"] as const;
  return [
    { place: { start, end: start + word.length }, type: "keyword" },
    { place: declaredName({ text }, node), type },
  ];
}

function tokensOf(node: Node, text: string): Token[] {
  if (isBinding(node)) {
    const type = typeOf(node);
    return type && node.declared !== "self" ? [{ place: node, type }] : [];
  }
  if (!("kind" in node)) return [];
  switch (node.kind) {
    case "Name": {
      const type = node.local && node.local.declared !== "self" ? typeOf(node.local) : undefined;
      return type ? [{ place: node, type }] : [];
    }
    case "TypeName":
      return [{ place: nameOfType({ text }, node), type: "type" }];
    case "TypeDeclaration":
    case "InterfaceDeclaration":
      return declaration(node, text);
    default:
      return [];
  }
}

/** What an editor colors by meaning: types, parameters and local functions. */
export function semanticTokens(source: SourceText): SemanticTokens {
  const builder = new SemanticTokensBuilder();
  if (!isLua(source.uri)) return builder.build();
  const { tree, bytes } = source;
  const tokens = [...nodesOf(tree)].flatMap((node) => tokensOf(node, bytes))
    .filter(({ place: { start, end } }) => start < end)
    .sort((one, other) => one.place.start - other.place.start);
  let last = -1;
  for (const { place, type } of tokens) {
    if (place.start < last) continue;
    last = place.end;
    const { line, character } = source.positionAt(place.start);
    builder.push(line, character, place.end - place.start, tokenTypes.indexOf(type), 0);
  }
  return builder.build();
}
