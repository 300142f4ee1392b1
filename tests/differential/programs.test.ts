import { afterAll, expect, test } from "bun:test";
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { root } from "../../scripts/sources.ts";

// Whole programs, written for Lua 5.4, run unchanged on `lua5.4` and as a script of ours: standard output, standard error
// and exit status must be the same. `NAME.in` is a program's standard input, `NAME.args` its arguments.

const folder = join(import.meta.dirname, "programs");
const programs = readdirSync(folder).filter((file) => file.endsWith(".lua")).sort();
const native = Bun.which("lua5.4");
const place = mkdtempSync(join(tmpdir(), "wippy-programs-"));
cpSync(folder, place, { recursive: true });
afterAll(() => rmSync(place, { recursive: true, force: true }));

const env = { ...process.env, TZ: "UTC", LC_ALL: "C", XDG_STATE_HOME: place };

async function run(command: string[], program: string) {
  const at = (ending: string) => join(place, program.replace(/\.lua$/, ending));
  const args = existsSync(at(".args")) ? readFileSync(at(".args"), "utf8").trim().split(" ") : [];
  const child = Bun.spawn([...command, program, ...args], {
    cwd: place,
    env,
    stdin: existsSync(at(".in")) ? Bun.file(at(".in")) : "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  const [out, err, status] = await Promise.all([
    new Response(child.stdout).bytes(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  // Of an uncaught error the message counts; the stack below a script differs. `lua5.4` names itself before it.
  const said = err.replace(/\nstack traceback:[^]*$/, "\n").replace(/^(\S*\/)?lua5\.4: /m, "");
  // Bytes, as not all of them are text.
  return { out: Buffer.from(out).toString("latin1"), err: said, status };
}

test("there are at least forty programs", () => {
  expect(programs.length).toBeGreaterThanOrEqual(40);
});

test.skipIf(native === null).each(programs)("%s does what it does on lua5.4", async (program) => {
  const [theirs, ours] = await Promise.all([
    run([native!], program),
    run([process.execPath, join(root, "src/main.ts")], program),
  ]);
  expect(ours).toEqual(theirs);
  expect(theirs.out.length + theirs.err.length).toBeGreaterThan(0);
}, 60_000);
