import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "../../../scripts/sources.ts";
import { writeFiles } from "../../unit/app/temporary-application.ts";
import { runCommand } from "../../unit/cli/run/run-command.ts";

const page = readFileSync(join(root, "docs/guide/testing.md"), "utf8");

/** Blocks of the page that begin with the name of their file. */
const files = Object.fromEntries(
  [...page.matchAll(/```(?:lua|yaml)\n(?:--|#) (src\/\S+)\n(.*?)```/gs)].map((
    [, name, text],
  ) => [name!, text!]),
);

function shown(begin: string): string {
  return page.slice(page.indexOf(begin) + begin.length).split("```")[0]!;
}

/** Without times and numbers of commits, which say nothing of the page. */
function unnumbered(text: string): string {
  return text.replace(/in [\d.]+ s/, "in N s").replace(/\d+ crashes/, "N crashes")
    .replace(/commit \d+ of \d+/, "commit N of N");
}

const lock = { "wippy.lock": "directories: { src: ./src }\n" };

test("the page's example does what the page says", async () => {
  const { status, out } = await runCommand(writeFiles({ ...lock, ...files }), "test");
  expect(unnumbered(out)).toBe(unnumbered(shown("$ wippy test\n")));
  expect(status).toBe(0);
}, 60_000);

test("the page's careless workflow is found", async () => {
  const application = writeFiles({
    ...lock,
    "src/append.lua": files["src/append.lua"]!,
    "src/_index.yaml": `version: "1.0"
namespace: app
entries:
  - { name: durable, kind: workflow.host, lifecycle: { auto_start: true } }
  - { name: files, kind: fs.directory, directory: work, auto_init: true }
  - { name: append, kind: function.lua, source: file://append.lua, method: main, modules: [fs] }
  - { name: careless, kind: workflow.lua, source: file://careless.lua, method: main, modules: [funcs] }
`,
    "src/careless.lua": `local funcs = require("funcs")
return { main = function() return funcs.call("app:append") + funcs.call("app:append") end }
`,
    "src/careless_test.lua": `it("does each step once", function()
  crash.at_every_step(function() return process.exec("app:careless", "app:durable") end)
end)
`,
  });
  const { status, out } = await runCommand(application, "test");
  const said = shown("```console\nsrc/careless_test.lua\n");
  expect(unnumbered(out).replace(" (N crashes)", "")).toContain(unnumbered(said));
  expect(status).toBe(1);
});

test("the page's coverage is that of its example", async () => {
  const { out } = await runCommand(writeFiles({ ...lock, ...files }), "test", "--coverage");
  const from = page.indexOf("## Coverage");
  const table = page.slice(page.indexOf("```console\n", from) + 11).split("```")[0]!;
  expect(out.slice(out.indexOf("File "))).toBe(table);
}, 60_000);

test("the page's request is answered", async () => {
  const from = page.indexOf("### Requests to the application");
  const code = page.slice(page.indexOf("```lua\n", from) + 7).split("```")[0]!;
  const application = writeFiles({
    ...lock,
    "src/order_test.lua": code,
    "src/_index.yaml": `version: "1.0"
namespace: app
entries:
  - { name: web, kind: http.service, addr: ":8080", lifecycle: { auto_start: true } }
  - { name: api, kind: http.router, meta: { server: web }, prefix: /api }
  - { name: take.post, kind: http.endpoint, meta: { router: api }, method: POST, path: /orders, func: take }
  - name: take
    kind: function.lua
    method: main
    modules: [http]
    source: |
      local http = require("http")
      return { main = function()
        local req, res = http.request(), http.response()
        local order = assert(req:body_json())
        assert(order.item == "chair" and order.count == 2 and req:query("source") == "shop")
        assert(req:header("Authorization") == "Bearer abc")
        res:set_status(http.STATUS.CREATED)
        res:write_json(order)
      end }
`,
  });
  const { status, out } = await runCommand(application, "test");
  expect(out).toContain("1 passed, 0 failed");
  expect(status).toBe(0);
}, 60_000);
