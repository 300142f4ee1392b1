/**
 * Small releases for tests: archives as scripts/release makes them, whose program is a shell script.
 * @module
 */
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzip, tar } from "../../../release/archive.ts";
import { cleanAfterTest } from "../../cleanup.ts";

/** The target of this machine, where tests of installing run. */
export const here = `linux-${process.arch}`;

/** What the program of a release is. */
export interface Made {
  version: string;
  /** @default 6 */
  schema?: number;
  /** The program, where it is not one that answers `version`. */
  program?: string;
  targets?: string[];
}

/** A program that answers what installing and upgrading ask, and says the rest of its arguments. */
export function programText({ version, schema = 6 }: Made): string {
  const facts = JSON.stringify({ version, journal_schema: schema, target: here });
  return `#!/bin/sh
case "$*" in
  "version --short") echo ${version} ;;
  "version --json") echo '${facts}' ;;
  *) echo "ran $*" ;;
esac
`;
}

/** A folder that is removed after the test. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "wippy-release-"));
  chmodSync(folder, 0o755);
  cleanAfterTest(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Makes a folder of a release. */
export async function makeRelease(made: Made): Promise<string> {
  const folder = temporaryFolder();
  for (const target of made.targets ?? [here, `${here}-musl`]) {
    const name = `wippy-${made.version}-${target}`;
    const text = (path: string, content: string, executable = false) => ({
      path: `${name}/${path}`,
      data: new TextEncoder().encode(content),
      executable,
    });
    const archive = await tar([
      text("wippy", made.program ?? programText(made), true),
      ...["README.md", "LICENSE", "NOTICES.txt", "CHANGES.md", "man/wippy.1"]
        .map((path) => text(path, `${path}\n`)),
      ...["wippy.bash", "_wippy", "wippy.fish"].map((path) => text(`completions/${path}`, "#\n")),
      text("examples/hello/wippy.lock", "directories: {}\n"),
    ], 0);
    writeFileSync(join(folder, `${name}.tar.gz`), gzip(archive));
  }
  writeSums(folder);
  return folder;
}

/** Writes the checksums of a release's files as they are now. */
export function writeSums(folder: string): void {
  const lines = readdirSync(folder).filter((name) => name.endsWith(".tar.gz")).sort().map(
    (name) => {
      const sum = new Bun.CryptoHasher("sha256").update(readFileSync(join(folder, name))).digest(
        "hex",
      );
      return `${sum}  ${name}\n`;
    },
  );
  writeFileSync(join(folder, "SHA256SUMS"), lines.join(""));
}

/** Serves a folder at an address of its own until the test ends. @param change what becomes of a file's bytes */
export function serveFolder(
  folder: string,
  change: (name: string, data: Buffer) => Buffer | Response = (_name, data) => data,
): string {
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch(request) {
      const name = new URL(request.url).pathname.slice(1);
      try {
        const answer = change(name, readFileSync(join(folder, name)));
        return answer instanceof Response ? answer : new Response(new Uint8Array(answer));
      } catch {
        return new Response("not found", { status: 404 });
      }
    },
  });
  cleanAfterTest(() => server.stop(true));
  return `http://127.0.0.1:${server.port}`;
}

/** Paths of all files below a folder. */
export function filesIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .sort();
}
