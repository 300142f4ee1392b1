/**
 * `wippy debug wasm ENTRY`: what functions become when they are compiled.
 * @module
 */
import type { FunctionListing } from "../../vm/compiler/listing.ts";
import { WippyError } from "../../vm/error.ts";
import type { SourceOptions } from "../run/load.ts";
import { CommandError, type Console } from "../terminal/terminal.ts";
import { startReplayNode } from "../workflow/replay-node.ts";

export interface WasmOptions extends SourceOptions {
  line?: number;
  json?: boolean;
}

/** Shows what the functions of an entry become; nothing of the application is run. @returns the exit status */
export async function showWasm(
  console: Console,
  id: string,
  { line, json, ...options }: WasmOptions,
): Promise<number> {
  const { node } = await startReplayNode(console, options);
  try {
    const all = await node.compiledFunctions(id);
    const shown = line === undefined ? all : [around(all, line)];
    if (json) console.out(`${JSON.stringify({ entry: id, functions: shown })}\n`);
    else console.out(shown.map((each) => textOf(id, each)).join("\n"));
    return 0;
  } catch (error) {
    if (error instanceof WippyError) {
      throw new CommandError(error.message, "wippy registry list shows the entries");
    }
    throw error;
  } finally {
    await node.stop();
  }
}

/** The innermost function around a line. @throws CommandError where there is none */
function around(functions: readonly FunctionListing[], line: number): FunctionListing {
  const found = functions.findLast(({ from, to }) => from <= line && line <= to) ??
    functions.find(({ from }) => from === 0);
  if (!found) throw new CommandError(`no function is around line ${line}`);
  return found;
}

function textOf(id: string, listing: FunctionListing): string {
  const { from, to, parameters, registers, bytes, refused, beginning, instructions } = listing;
  const what = from === 0 ? "the whole text" : from === to ? `line ${from}` : `lines ${from}-${to}`;
  const size = refused === undefined
    ? `${bytes} bytes of WebAssembly`
    : `left to the interpreter: ${refused}`;
  const lines = [
    `${id}, ${what}: ${instructions.length} instructions, ${parameters} parameters, ` +
    `${registers} registers; ${size}`,
    ...beginning.length > 0 ? ["  where it is entered", ...beginning.map(indented)] : [],
  ];
  const width = `${instructions.length}`.length;
  instructions.forEach(({ line, text, wasm }, i) => {
    lines.push(
      `  ${`${i + 1}`.padStart(width)} [${line}] ${text}`,
      ...wasm.map(indented),
    );
  });
  return `${lines.join("\n")}\n`;
}

function indented(line: string): string {
  return `        ${line}`;
}
