import { z } from "zod";
import { WippyError } from "../../vm/error.ts";

/** Flags of `wippy debug`. */
export interface DebugOptions {
  /** The run that a launch is about which names nothing to run. */
  run?: string;
  /** The tests that a launch is about which names nothing to run. */
  test?: string;
  /** Text in the names of those tests. */
  filter?: string;
  /** A launch that names nothing to run attaches to the runtime that runs. */
  attach?: boolean;
  /** State folder of that runtime. */
  state?: string;
}

/** What a launch of an editor may say; editors add fields of their own. */
export const launchSchema = z.object({
  /** A Lua file; without it the application of `cwd` runs. */
  program: z.string().optional(),
  /** A command of the application. */
  command: z.string().optional(),
  /** A file or a folder with tests of the application. */
  test: z.string().optional(),
  /** Runs only tests whose groups and name contain it. */
  filter: z.string().optional(),
  args: z.array(z.string()).default([]),
  /** Directory of the application, or where the script runs. */
  cwd: z.string().optional(),
  env: z.record(z.string(), z.string()).optional(),
  state: z.string().optional(),
  /** A workflow id, or an exported history: the run is gone through by its events. */
  run: z.string().optional(),
});

/** What to launch. */
export type Launch = z.infer<typeof launchSchema>;

/** What an attach of an editor may say: which runtime. */
export const attachSchema = launchSchema.pick({ cwd: true, state: true });

/** The runtime to attach to. */
export type Attach = z.infer<typeof attachSchema>;

function read<Data>(schema: z.ZodType<Data>, given: unknown, request: string): Data {
  const result = schema.safeParse(given);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const field = issue?.path.join(".") ?? "";
  throw new WippyError("Invalid", `${request}: ${field}: ${issue?.message}`, { retryable: false });
}

/** Checks what an editor wants to attach to. @throws WippyError Invalid, which names the field */
export function readAttach(given: unknown): Attach {
  return read(attachSchema, given, "attach");
}

/** Checks what an editor asks for. @throws WippyError Invalid, which names the field */
export function readLaunch(given: unknown): Launch {
  const launch = read(launchSchema, given, "launch");
  const { program, command, run, test, filter } = launch;
  const invalid = (text: string) =>
    new WippyError("Invalid", `launch: ${text}`, { retryable: false });
  if ([program, command, run, test].filter((each) => each !== undefined).length > 1) {
    throw invalid("write only one of program, command, run and test");
  }
  if (filter !== undefined && test === undefined) throw invalid("filter goes with test");
  return launch;
}

/** The arguments of `wippy` that run it, under a debugger. */
export function callOf({ program, command, test, filter, args, state }: Launch): string[] {
  if (test !== undefined) {
    // Who stands at a breakpoint takes no time of the test.
    const flags = ["--debugger", "--jobs", "1", "--timeout", "86400"];
    return ["test", ...flags, ...(filter === undefined ? [] : ["--filter", filter]), "--", test];
  }
  const flags = ["--debugger", ...(state === undefined ? [] : ["--state", state])];
  if (program !== undefined) return ["script", ...flags, "--", program, ...args];
  const rest = command === undefined ? [] : [command, ...(args.length > 0 ? ["--", ...args] : [])];
  return ["run", ...flags, ...rest];
}
