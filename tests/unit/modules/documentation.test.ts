import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { Environment } from "../../../src/app/environment.ts";
import { Collected } from "./collected-output.ts";
import { StandardTerminal } from "../../../src/operations/io/standard-terminal.ts";
import { entryOf, testServices } from "../operations/services.ts";
import { type Logged, runUnit } from "./lua-unit.ts";

const directory = mkdtempSync(join(tmpdir(), "wippy-docs-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const pages = join(import.meta.dir, "../../../docs/reference/modules");
const entries = [
  entryOf("app:data", "fs.directory", { directory: "data", auto_init: true }),
  entryOf("app:memory", "env.storage.memory"),
  entryOf("app:greeting", "env.variable", { variable: "GREETING", storage: "app:memory" }),
  entryOf("app:region", "env.variable", {
    variable: "REGION",
    storage: "app:memory",
    default: "eu-west",
  }),
];

function fence(page: string, language: string): string {
  const block = page.match(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\``, "ms"));
  if (block === null) throw new Error(`no ${language} block`);
  return block[1]!;
}

function lines(logs: Logged[]): string {
  return logs.map(({ level, logger, message, fields }) => {
    const sorted = Object.entries(fields as object).sort(([a], [b]) => (a < b ? -1 : 1));
    return `${level} ${logger}: ${message} ${JSON.stringify(Object.fromEntries(sorted))}\n`;
  }).join("");
}

test.each([
  "archive",
  "excel",
  "ctx",
  "env",
  "fs",
  "http_client",
  "io",
  "json",
  "logger",
  "os",
  "stream",
  "time",
  "uuid",
])(
  "the example of %s does what the page says",
  async (name) => {
    const page = readFileSync(join(pages, `${name}.md`), "utf8");
    const stdin = new PassThrough();
    stdin.end("Ada\n");
    const stdout = new Collected();
    const terminal = new StandardTerminal({ stdin, stdout, stderr: new Collected() })
      .attach(["LHR", "JFK"]);
    const { value, error, logs } = await runUnit(fence(page, "lua"), {
      services: {
        entry: testServices(entries).entry,
        environment: new Environment(entries, { directory, system: {} }),
        directory,
      },
      terminal,
      values: { tenant: "t1", limits: { rows: 100 } },
    });
    await terminal.flush();
    expect(error).toBeUndefined();
    const returned = value === undefined ? "" : `${String(value)}\n`;
    expect(returned + stdout.bytes.toString() + lines(logs)).toBe(fence(page, "text"));
  },
);
