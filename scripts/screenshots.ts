/**
 * Pictures of every view of the admin page: `scripts/screenshots [FOLDER]`, by default into docs/images.
 * @module
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { chromium, type Page } from "playwright-core";
import { chromiumPath } from "../tests/browser/chromium.ts";
import { root } from "./sources.ts";

if (chromiumPath === undefined) {
  console.error("screenshots: there is no Chromium; install it (Debian: apt-get install chromium)");
  process.exit(1);
}
const output = resolve(process.argv[2] ?? join(root, "docs/images"));
mkdirSync(output, { recursive: true });
const state = mkdtempSync(join(tmpdir(), "wippy-screenshots-"));
const port = 17_777;
const wippy = [process.execPath, join(root, "src/main.ts")];
const example = ["-C", join(root, "examples/orders")];
const runtime = Bun.spawn(
  [...wippy, "serve", "-s", ...example, "--state", state, "--port", String(port)],
  { stdin: "ignore", stdout: "ignore", stderr: "ignore" },
);
const base = `http://127.0.0.1:${port}`;

async function until(ready: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 20_000;
  while (!await ready().catch(() => false)) {
    if (performance.now() > deadline) throw new Error("the example does not get ready");
    await Bun.sleep(50);
  }
}

async function shoot(page: Page, name: string, path: string, wait = 800): Promise<void> {
  await page.goto(base + path);
  await page.waitForTimeout(wait);
  await page.screenshot({ path: join(output, `${name}.png`) });
  console.log(`${name}.png`);
}

/** An order: every third one is large, one cannot be packed, one finds its bank slow. */
function input(order: number) {
  const item = order === 5 ? "unicorn" : "lamp";
  const price = order % 3 === 1 ? 300 : 25;
  const id = order === 8 ? "slow-8" : `order-${order}`;
  return { id, address: `Main St ${order}`, lines: [{ item, count: 1 + order % 3, price }] };
}

try {
  await until(async () => (await fetch(`${base}/readyz`)).ok);
  const token = readFileSync(join(state, "admin-token"), "utf8").trim();
  const headers = { "authorization": `Bearer ${token}`, "content-type": "application/json" };
  const post = async (path: string, body: unknown) =>
    await (await fetch(`${base}/api/v1${path}`, {
      method: "POST",
      headers,
      body: JSON.stringify(body),
    })).json();
  for (let order = 1; order <= 12; order++) {
    const options = { "workflow.id": `order-${order}` };
    await post("/workflows", { entry: "orders:order", args: [input(order)], options });
  }
  for (const order of [1, 4]) {
    const decision = { approved: true, by: "Ada" };
    await post(`/workflows/order-${order}/signal`, { name: "decision", payloads: [decision] });
  }
  await post("/schedules", {
    id: "nightly-restock",
    spec: { cron: ["30 2 * * *"], time_zone: "Europe/Oslo" },
    action: { workflow: "orders:order", args: [input(3)] },
    policies: { overlap: "buffer_one" },
    note: "what ran short by day",
  });
  await post("/schedules", {
    id: "every-quarter",
    spec: { intervals: [{ every: "15m" }] },
    action: { workflow: "orders:order", args: [input(6)] },
  });
  await Bun.sleep(2500);
  const browser = await chromium.launch({
    executablePath: chromiumPath,
    args: ["--no-sandbox", "--disable-dev-shm-usage"],
  });
  const light = await browser.newPage({ viewport: { width: 1280, height: 860 } });
  await light.goto(`${base}/sign-in?token=${token}`);
  await light.waitForURL(`${base}/`);
  await shoot(light, "overview", "/", 6000);
  await shoot(light, "functions", "/functions");
  await shoot(light, "processes", "/processes?view=tree");
  await shoot(light, "workflows", "/workflows");
  await shoot(light, "run", "/workflows/order-1");
  await shoot(light, "schedules", "/schedules");
  await shoot(light, "entry", "/registry/orders:order");
  const dark = await browser.newPage({
    viewport: { width: 390, height: 844 },
    colorScheme: "dark",
  });
  await dark.goto(`${base}/sign-in?token=${token}`);
  await dark.waitForURL(`${base}/`);
  await shoot(dark, "narrow", "/workflows/order-7");
  await browser.close();
} finally {
  runtime.kill();
  await runtime.exited;
  rmSync(state, { recursive: true, force: true });
}
