import { serveEditor } from "../../lsp/lsp.ts";
import { version } from "../terminal/version.ts";

/** `wippy lsp`. @returns the exit status */
export function lsp(): Promise<number> {
  return serveEditor({ input: process.stdin, output: process.stdout, version });
}
