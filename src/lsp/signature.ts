import type { Position, SignatureHelp } from "vscode-languageserver";
import { callAround, Reading } from "./meaning.ts";
import type { SourceText } from "./source-text.ts";
import { isLua, type Loaded } from "./workspace.ts";

/** How the call around a position is made, and which argument is there. */
export function signatureAt(
  source: SourceText,
  position: Position,
  loaded: Loaded | undefined,
): SignatureHelp | null {
  if (!isLua(source.uri)) return null;
  const offset = source.byteAt(position);
  const call = callAround(source.bytes, offset);
  if (!call) return null;
  const { chain, opening, argument } = call;
  const reading = new Reading(source, loaded);
  const name = chain?.names.at(-1);
  const found = (chain && reading.resolve(chain.names, chain.start)) ??
    reading.typedMember(opening) ??
    (chain?.method ? reading.methods().find((method) => method.name === name) : undefined);
  const signature = found?.signature;
  if (!found || !signature) return null;
  const { label, parameters } = signature;
  const isVariable = /^\.\.\.|…$/.test(parameters.at(-1) ?? "");
  const last = Math.max(0, parameters.length - 1);
  return {
    signatures: [{
      label,
      ...(found.text !== "" && { documentation: { kind: "markdown", value: found.text } }),
      parameters: parameters.map((label) => ({ label })),
    }],
    activeSignature: 0,
    activeParameter: isVariable ? Math.min(argument, last) : argument,
  };
}
