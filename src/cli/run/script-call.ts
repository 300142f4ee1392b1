/** What runs without a look at flags: a script, with its own arguments. */
export interface ScriptCall {
  file?: string;
  code?: string;
  rest: string[];
}

/**
 * Whether an argument names a script and not a command. A `#!` line makes the system name the file by a path, whatever
 * its ending; `-` is standard input.
 */
export function namesScript(argument: string): boolean {
  return argument.endsWith(".lua") || argument.includes("/") || argument === "-";
}

/** The call of a script that has no flag of ours before it; after `run`, none anywhere. */
export function scriptCall([first, second, ...others]: readonly string[]): ScriptCall | undefined {
  if (first === undefined) return undefined;
  if (first === "run") {
    const plain = second !== undefined && namesScript(second) &&
      ![second, ...others].some((argument) => argument.startsWith("-"));
    return plain ? { file: second, rest: others } : undefined;
  }
  if (first === "-e" && second !== undefined) return { code: second, rest: others };
  if (first !== "-" && first.startsWith("-") || !namesScript(first)) return undefined;
  return { file: first, rest: second === undefined ? [] : [second, ...others] };
}
