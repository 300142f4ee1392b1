import { writeFiles } from "../../unit/app/temporary-application.ts";
import { runCommand } from "../../unit/cli/run/run-command.ts";

/** A line of the report in JSON. */
export interface Line {
  type: string;
  file?: string;
  path?: string[];
  status?: string;
  crashes?: number;
  failure?: { message: string; expected?: string; actual?: string; stack?: string; crash?: string };
  seed?: number;
  passed?: number;
  failed?: number;
  pending?: number;
  lines?: [line: number, count: number][];
}

/** Runs the tests of an application, whose files are given; what came of each, and the totals. */
export async function runTestsOf(
  files: Record<string, string>,
  ...flags: string[]
): Promise<{ lines: Line[]; status: number; directory: string; err: string }> {
  const directory = writeFiles({ "wippy.lock": "directories: { src: ./src }\n", ...files });
  const { status, out, err } = await runCommand(directory, "test", "--reporter", "json", ...flags);
  return {
    lines: out.split("\n").filter(Boolean).map((line) => JSON.parse(line) as Line),
    status,
    directory,
    err,
  };
}
