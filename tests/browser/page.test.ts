/**
 * The page in a real browser, on a server of the shop.
 * @module
 */
import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { type Browser, chromium, type Page } from "playwright-core";
import { serveAdmin } from "../../src/admin/server.ts";
import { Tokens } from "../../src/admin/tokens.ts";
import { cleanAfterTest } from "../cleanup.ts";
import { Shop } from "../integration/admin/shop.ts";
import { until } from "../until.ts";
import { chromiumPath } from "./chromium.ts";

const without = "needs Chromium: apt-get install chromium";
const browse = chromiumPath === undefined
  ? (name: string, _work: () => Promise<void>) =>
    test.skip(`${name} (skipped: ${without})`, () => {})
  : (name: string, work: () => Promise<void>) => test(name, work, 60_000);

/** A signed-in page; what it complains about on its console is kept. */
async function open(options: { width?: number; dark?: boolean; role?: "viewer" } = {}) {
  const shop = new Shop();
  const target = await shop.start();
  const tokens = new Tokens(shop.stateDir);
  const server = serveAdmin(target, tokens, { host: "127.0.0.1", port: 0, names: [] });
  cleanAfterTest(() => server.close());
  const browser: Browser = await chromium.launch({
    executablePath: chromiumPath!,
    args: ["--no-sandbox", "--disable-dev-shm-usage"],
  });
  cleanAfterTest(() => browser.close());
  const page = await browser.newPage({
    viewport: { width: options.width ?? 1280, height: 900 },
    colorScheme: options.dark ? "dark" : "light",
  });
  page.setDefaultTimeout(15_000);
  const complaints: string[] = [];
  page.on("console", (message) => message.type() === "error" && complaints.push(message.text()));
  page.on("pageerror", (error) => complaints.push(error.message));
  const token = options.role ? tokens.create("browser", options.role) : tokens.owner();
  await page.goto(`${server.url}/sign-in?token=${token}`);
  await page.waitForURL(`${server.url}/`);
  await page.getByRole("heading", { name: "Overview" }).waitFor();
  return { shop, page, url: server.url, complaints, target };
}

async function startOrder(shop: Shop, id: string) {
  await shop.node.workflows.start({
    entry: "app:order",
    frame: {},
    options: { "workflow.id": id },
    messages: [],
    sender: "",
    args: [7, 21],
  });
  await until(
    () => shop.node.workflows.query(`{app:durable|${id}}`, "state", []).catch(() => ""),
    (state) => state === "waiting",
  );
}

async function makeSchedule(shop: Shop, id: string) {
  await shop.node.workflows.schedules.create({
    schedule: {
      id,
      spec: { cron: ["30 6 * * 1-5"], time_zone: "Europe/Oslo" },
      action: { workflow: "app:order", args: [7, 21] },
    },
    frame: {},
  });
}

const views = [
  "/",
  "/functions",
  "/processes",
  "/processes?view=tree",
  "/services",
  "/workflows",
  "/workflows/o-1",
  "/schedules",
  "/schedules/nightly",
  "/registry",
  "/registry/app:order",
  "/logs",
];

const axeSource = readFileSync(
  new URL("../../node_modules/axe-core/axe.min.js", import.meta.url),
  "utf8",
);

/** Serious faults for people who use a keyboard or a screen reader, or see little. */
async function findBarriers(page: Page): Promise<string[]> {
  return await page.evaluate(`${axeSource};
    axe.run(document, { resultTypes: ["violations"] }).then(({ violations }) => violations
      .filter(({ impact }) => impact === "serious" || impact === "critical")
      .map(({ id, nodes }) => id + ": " + nodes.map(({ html }) => html.slice(0, 120)).join(" | ")))`);
}

for (const { dark, width } of [{ dark: false, width: 1280 }, { dark: true, width: 360 }]) {
  const look = `${dark ? "dark" : "light"}, ${width} pixels wide`;
  browse(`every view has no serious barrier and nothing that sticks out: ${look}`, async () => {
    const { shop, page, url, complaints } = await open({ dark, width });
    await startOrder(shop, "o-1");
    await makeSchedule(shop, "nightly");
    await shop.node.workflows.schedules.trigger("nightly");
    const [unit] = (await shop.node.control.units()).units;
    for (const view of [...views, `/processes/${encodeURIComponent(unit!.pid)}`]) {
      await page.goto(url + view);
      await page.locator("h1").waitFor();
      await page.waitForFunction(() => document.querySelector("[aria-busy]") === null);
      expect(await findBarriers(page), view).toEqual([]);
      const wider = await page.evaluate(() =>
        document.documentElement.scrollWidth - document.documentElement.clientWidth
      );
      expect(wider, `${view} is wider than the screen`).toBeLessThanOrEqual(0);
    }
    expect(complaints).toEqual([]);
  });
}

browse("a run is found by its filter, followed live, signalled and seen to its end", async () => {
  const { shop, page, url } = await open();
  await startOrder(shop, "o-1");
  await startOrder(shop, "o-2");
  await page.getByRole("link", { name: "Workflows" }).click();
  await page.getByRole("searchbox", { name: "Workflow id" }).fill("o-2");
  await page.waitForURL("**/workflows?id=o-2");
  await until(() => page.locator("tbody tr").count(), (rows) => rows === 1);
  await page.reload();
  expect(await page.getByRole("searchbox", { name: "Workflow id" }).inputValue()).toBe("o-2");
  await page.locator("tbody").getByRole("link", { name: "o-2" }).click();
  await page.getByRole("heading", { name: /^o-2/ }).waitFor();
  await page.getByRole("button", { name: "Query" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Name").fill("state");
  await dialog.getByRole("button", { name: "Query" }).click();
  await dialog.getByText('"waiting"').waitFor();
  await dialog.getByRole("button", { name: "Close" }).click();
  await page.getByRole("button", { name: "Signal" }).click();
  await page.getByRole("dialog").getByLabel("Name").fill("approve");
  await page.getByRole("dialog").getByRole("button", { name: "Signal" }).click();
  await page.locator("h1 .state", { hasText: "completed" }).waitFor();
  await page.getByText('"by": "approve"').first().waitFor();
  expect(await page.getByRole("list", { name: "Timeline" }).locator("li").count()).toBe(3);
  await page.getByText("ExecutionSignaled").waitFor();
  await page.goto(`${url}/workflows/none`);
  await page.getByRole("alert").getByText("no workflow none").waitFor();
});

browse("a schedule is paused, triggered, followed to its run and deleted", async () => {
  const { shop, page } = await open();
  await makeSchedule(shop, "nightly");
  await page.getByRole("link", { name: "Schedules" }).click();
  const row = page.locator("tbody tr", { hasText: "nightly" });
  await row.getByText("30 6 * * 1-5 (Europe/Oslo)").waitFor();
  await row.getByRole("button", { name: "Pause" }).click();
  await page.getByRole("dialog").getByLabel("Note").fill("holidays");
  await page.getByRole("dialog").getByRole("button", { name: "Pause" }).click();
  await row.getByText("paused").waitFor();
  await row.getByRole("link", { name: "nightly" }).click();
  await page.getByText("holidays").waitFor();
  await page.getByRole("button", { name: "Unpause" }).click();
  await page.locator(".state", { hasText: "active" }).waitFor();
  await page.getByRole("button", { name: "Trigger" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Trigger" }).click();
  const running = page.getByRole("region", { name: "Running" });
  await running.getByRole("link", { name: /^nightly-20/ }).waitFor();
  await page.getByRole("button", { name: "Delete" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
  await page.getByText("No schedules").waitFor();
  const { runs } = await shop.node.workflows.list("app:durable", {});
  expect(runs).toMatchObject([{ entry: "app:order", status: "running" }]);
});

browse("a process is sent to, and ended only after a question", async () => {
  const { shop, page } = await open();
  await page.getByRole("link", { name: "Processes" }).click();
  const row = page.locator("tbody tr", { hasText: "counter" }).filter({ hasText: "app:counter" });
  await row.getByRole("link").first().click();
  await page.getByRole("button", { name: "Send" }).click();
  await page.getByRole("dialog").getByLabel("Topic").fill("tick");
  await page.getByRole("dialog").getByRole("button", { name: "Send" }).click();
  await page.locator(".log").getByText("counted").waitFor();
  const before = (await shop.node.control.units({ entry: "app:counter" })).units[0]!.pid;
  await page.getByRole("button", { name: "Terminate" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Close" }).click();
  expect((await shop.node.control.unit(before)).pid).toBe(before);
  await page.getByRole("button", { name: "Terminate" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Terminate" }).click();
  await page.getByText("This unit has ended").waitFor();
});

browse(
  "functions are called, services stopped and started, the log is followed and paused",
  async () => {
    const { page, target, url } = await open();
    await page.getByRole("link", { name: "Functions" }).click();
    const pay = page.locator("tbody tr", { hasText: "app:pay" });
    await pay.getByRole("button", { name: "Call" }).click();
    await pay.getByLabel("Arguments").fill("[21]");
    await pay.getByRole("dialog").getByRole("button", { name: "Call" }).click();
    await pay.getByRole("dialog").getByText("42", { exact: true }).waitFor();
    await page.goto(`${url}/services`);
    const tree = page.locator("tbody tr", { hasText: "app:tree" });
    await tree.getByRole("button", { name: "Stop" }).click();
    await tree.getByRole("dialog").getByRole("button", { name: "Stop" }).click();
    await tree.getByText("stopped").waitFor();
    await tree.getByRole("button", { name: "Start" }).click();
    await tree.locator(".state", { hasText: "running" }).waitFor();
    await page.goto(`${url}/logs`);
    const log = (message: string) =>
      target.logs.log({ level: "warn", time: Date.now(), logger: "test", message, fields: {} });
    log("first <b>line</b>");
    await page.getByText("first <b>line</b>").waitFor();
    await page.getByRole("button", { name: "Pause" }).click();
    log("while paused");
    await page.waitForTimeout(1200);
    expect(await page.getByText("while paused").count()).toBe(0);
    await page.getByRole("button", { name: "Resume" }).click();
    await page.getByText("while paused").waitFor();
  },
);

browse("a viewer is told what it may not do; a wrong token is told at once", async () => {
  const { page, url } = await open({ role: "viewer" });
  await page.goto(`${url}/functions`);
  const pay = page.locator("tbody tr", { hasText: "app:pay" });
  await pay.getByRole("button", { name: "Call" }).click();
  await pay.getByRole("dialog").getByRole("button", { name: "Call" }).click();
  await pay.getByRole("alert").getByText("needs the role operator; yours is viewer").waitFor();
  await page.goto(url);
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.waitForURL("**/sign-in");
  await page.getByLabel("Token").fill("wrong");
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("alert").getByText("not known").waitFor();
});
