import { expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { cleanAfterTest } from "../../cleanup.ts";

const kills = Number(process.env.WIPPY_KILLS ?? 6);
/** Instants of the kills; another seed gives others. */
const seed = Number(process.env.WIPPY_SEED ?? 1);

function* instants(): Generator<number> {
  let state = seed;
  for (;;) {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
    yield 50 + (state >> 8) % 400;
  }
}

async function run(folder: string, first: string, after?: number): Promise<void> {
  const program = join(import.meta.dir, "killed-runtime.ts");
  const child = Bun.spawn([process.execPath, program, folder, first], {
    stdout: "pipe",
    stderr: "pipe",
  });
  for await (const chunk of child.stdout) {
    if (new TextDecoder().decode(chunk).includes("open")) break;
  }
  // Sleeps because the kill is to come at a random instant.
  const timer = after === undefined ? undefined : setTimeout(() => child.kill("SIGKILL"), after);
  const status = await child.exited;
  clearTimeout(timer);
  if (status === 0 || child.signalCode === "SIGKILL") return;
  throw new Error(`the runtime failed: ${await new Response(child.stderr).text()}`);
}

test("after SIGKILL at any instant nothing is lost, and nothing settled comes again", async () => {
  const folder = mkdtempSync(join(tmpdir(), "wippy-queue-kill-"));
  cleanAfterTest(() => rmSync(folder, { recursive: true, force: true }));
  const instant = instants();
  for (let i = 0; i < kills; i++) {
    await run(folder, String((i + 1) * 1_000_000), instant.next().value!);
  }
  await run(folder, "drain");

  const lines = readFileSync(join(folder, "files", "effects.log"), "utf8").trim().split("\n")
    .map((line) => line.split(" "));
  const published = new Set<string>();
  const handled = new Map<string, number>();
  const acknowledged = new Set<string>();
  const ids = new Map<string, Set<string>>();
  const firsts = new Set<string>();
  const wrong: string[] = [];
  for (const [what, body = "", id = "", attempt] of lines) {
    if (what === "published") published.add(body);
    if (what === "acknowledged") acknowledged.add(body);
    if (what !== "handled") continue;
    if (acknowledged.has(body)) wrong.push(`${body} came again after it was settled`);
    // The attempt is in the file before a handler has the message: two first ones are two messages.
    if (attempt === "1" && firsts.has(id)) wrong.push(`${body} is in the queue twice`);
    if (attempt === "1") firsts.add(id);
    handled.set(body, (handled.get(body) ?? 0) + 1);
    ids.set(body, (ids.get(body) ?? new Set()).add(id));
  }
  for (const body of published) if (!handled.has(body)) wrong.push(`${body} is lost`);
  for (const [body, known] of ids) if (known.size > 1) wrong.push(`${body} was published twice`);
  expect(wrong).toEqual([]);
  const flows = [...handled.keys()].filter((body) => body.startsWith("flow")).sort();
  expect(flows).toHaveLength(3 * 120);
  expect(published.size).toBeGreaterThan(kills);
  expect(acknowledged.size).toBeGreaterThan(kills);
  const files = ["app%3Adriver.db"].map((name) => join(folder, "state", "queues", name));
  expect(files.map((path) => statSync(path).mode & 0o777)).toEqual([0o600]);
}, 120_000);
