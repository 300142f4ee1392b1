import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { type Application, loadApplication, type LoadOptions } from "../../../src/app/app.ts";
import { cleanAfterTest } from "../../cleanup.ts";
import { formatProblem } from "../../../src/app/problem.ts";

/** Writes files into a new directory that is removed after the test; returns its path. */
export function writeFiles(files: Record<string, string>): string {
  const directory = mkdtempSync(join(tmpdir(), "wippy-app-"));
  cleanAfterTest(() => rmSync(directory, { recursive: true, force: true }));
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(directory, name)), { recursive: true });
    writeFileSync(join(directory, name), text);
  }
  return directory;
}

/** Writes an application with a lock file, unless the files bring their own, and loads it. */
export function loadFiles(
  files: Record<string, string>,
  options: Partial<LoadOptions> = {},
): Promise<Application> {
  const lock = { "wippy.lock": "directories: { src: ./src }\n" };
  const directory = writeFiles({ "src/.keep": "", ...lock, ...files });
  return loadApplication({ directory, system: {}, ...options });
}

/** The problems as they are printed. */
export function printed(application: Application): string[] {
  return application.problems.map(formatProblem);
}
