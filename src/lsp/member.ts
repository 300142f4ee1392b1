/**
 * What editors show of a name.
 * @module
 */
import type { Signature } from "../language/members.ts";
import type { Place } from "../language/scope.ts";
import { type MemberDocumentation, parametersOf } from "./documentation.ts";
import type { SourceText } from "./source-text.ts";

export type MeaningKind =
  | "local"
  | "function"
  | "method"
  | "field"
  | "constant"
  | "module"
  | "type";

/** What a name means. */
export interface Meaning {
  name: string;
  kind: MeaningKind;
  signature?: Signature;
  /** A line of Lua that shows what it is: `local count: integer`. */
  shown: string;
  /** Markdown. */
  text: string;
  /** Where it is declared. */
  at?: { source: SourceText; place: Place };
  members?: () => Meaning[];
}

/** What an editor shows of what a page says. */
export function documented(member: MemberDocumentation, kind: "function" | "method"): Meaning {
  const { name, signature, text } = member;
  const parameters = parametersOf(signature);
  if (!/[({]/.test(signature)) return { name, kind: "constant", shown: signature, text };
  return { name, kind, signature: { label: signature, parameters }, shown: signature, text };
}
