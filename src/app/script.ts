import { basename } from "node:path";
import type { Entry } from "../registry/entry.ts";
import { builtinModules } from "../registry/modules.ts";
import type { Problem } from "./problem.ts";
import { prepareSource } from "./source.ts";
import type { CheckSyntax } from "./validation.ts";

/** Identifiers of the application that is made up around a script. */
export const script = {
  process: "script:main",
  terminal: "script:terminal",
} as const;

/**
 * Makes an application around one Lua file: a process that may use every module, on a terminal host.
 * The file is the body of the process; what it returns is the result, and a function or a table with
 * `main` that it returns is called with the arguments.
 *
 * @param text contents of the file; a `#!` line is allowed
 * @param file name for messages
 */
export function loadScript(
  text: string,
  file: string,
  checkSyntax: CheckSyntax,
): { entries: Entry[]; problems: Problem[] } {
  const { code } = prepareSource(script.process, text);
  const wrong = checkSyntax(code, script.process);
  const problems: Problem[] = wrong === undefined ? [] : [{
    severity: "error",
    file,
    line: wrong.line,
    message: `Lua syntax error: ${wrong.message}`,
    fix: "correct the code at that line",
  }];
  // All on the first line, so that the file's lines keep their numbers.
  const source = `return function(...) local result = (function(...) ${code}\nend)(...) ` +
    `local main = type(result) == "table" and result.main or result ` +
    `if type(main) == "function" then return main(...) end return result end`;
  const autoStart = { lifecycle: { auto_start: true } };
  const origin = { file, line: 1, column: 1 };
  const entries: Entry[] = [
    {
      id: script.process,
      kind: "process.lua",
      meta: { title: basename(file) },
      data: { source, method: "main", modules: [...builtinModules.keys()] },
      origin,
    },
    { id: "script:processes", kind: "process.host", meta: {}, data: { ...autoStart }, origin },
    { id: script.terminal, kind: "terminal.host", meta: {}, data: { ...autoStart }, origin },
  ];
  return { entries, problems };
}
