import { describe, expect, test } from "bun:test";
import { runTestsOf } from "./run-tests.ts";

const entries = `version: "1.0"
namespace: app
entries:
  - { name: web, kind: http.service, addr: "127.0.0.1:1", lifecycle: { auto_start: true } }
  - { name: files, kind: fs.directory, directory: public, auto_init: true }
  - { name: pages, kind: http.static, meta: { server: web }, path: /files, fs: files }
  - name: api
    kind: http.router
    meta: { server: web }
    prefix: /api
    middleware: [cors]
    options: { cors.allow.origins: "https://shop.example" }
  - { name: echo.post, kind: http.endpoint, meta: { router: api }, method: POST, path: "/echo/{id}", func: echo }
  - { name: slow.get, kind: http.endpoint, meta: { router: api }, method: GET, path: /slow, func: slow }
  - { name: move.get, kind: http.endpoint, meta: { router: api }, method: GET, path: /move, func: move }
  - name: echo
    kind: function.lua
    method: main
    modules: [http]
    source: |
      local http = require("http")
      return { main = function()
        local req, res = http.request(), http.response()
        res:set_status(201)
        res:set_header("X-Kind", req:header("X-Kind") or "none")
        res:write_json({
          id = req:param("id"), note = req:query("note"), type = req:header("content-type"), body = req:body(),
        })
      end }
  - name: slow
    kind: function.lua
    method: main
    modules: [http, time]
    source: |
      local http, time = require("http"), require("time")
      return { main = function()
        local res = http.response()
        for part = 1, 3 do
          res:write(string.char(part + 199))
          res:flush()
          time.sleep("1h")
        end
      end }
  - name: move
    kind: function.lua
    method: main
    modules: [http]
    source: |
      local http = require("http")
      return { main = function()
        local res = http.response()
        res:set_status(303)
        res:set_header("Location", "/elsewhere")
        res:set_header("Set-Cookie", "session=abc; Path=/; HttpOnly")
      end }
`;

async function failures(code: string, index = entries): Promise<(string | undefined)[]> {
  const { lines } = await runTestsOf({
    "src/_index.yaml": index,
    "src/a_test.lua": code,
    "public/a.txt": "a file",
  });
  return lines.filter(({ type }) => type === "test").map(({ failure }) => failure?.message);
}

describe("request", () => {
  test("goes through routes and middleware to the endpoint's function", async () => {
    expect(
      await failures(`local json = require("json")
      it("is served", function()
        local response = request("POST", "/api/echo/7?note=blue", {
          headers = { ["X-Kind"] = "test", Origin = "https://shop.example" },
          body = "as it is",
        })
        expect(response.status):to_equal(201)
        expect(response.headers["x-kind"]):to_equal("test")
        expect(response.headers["access-control-allow-origin"]):to_equal("https://shop.example")
        expect(json.decode(response.body)):to_equal({ id = "7", note = "blue", body = "as it is" })
      end)
      it("has tables as JSON", function()
        local answer = json.decode(request("post", "/api/echo/1", { body = { count = 3 } }).body)
        expect(answer.type):to_equal("application/json")
        expect(json.decode(answer.body)):to_equal({ count = 3 })
      end)
      it("sees files, and what is not there", function()
        expect(request("GET", "/files/a.txt").body):to_equal("a file")
        expect(request("GET", "/files/b.txt").status):to_equal(404)
        expect(request("GET", "/api/echo/7").status):to_equal(405)
      end)`),
    ).toEqual([undefined, undefined, undefined]);
  });

  test("waits for a response that is written in virtual time, byte by byte", async () => {
    expect(
      await failures(`it("is slow", function()
        local before = clock:now()
        expect(request("GET", "/api/slow").body):to_equal("\\200\\201\\202")
        expect(clock:now():sub(before):hours()):to_be_near(3, 0.001)
      end)`),
    ).toEqual([undefined]);
  });

  test("does not follow redirects, and has cookies by name", async () => {
    expect(
      await failures(`it("is moved", function()
        local response = request("GET", "/api/move")
        expect(response):to_have({ status = 303, cookies = { session = "abc" } })
        expect(response.headers.location):to_equal("/elsewhere")
      end)`),
    ).toEqual([undefined]);
  });

  test("reaches mocks, and is repeated by the seed", async () => {
    const { lines } = await runTestsOf(
      {
        "src/_index.yaml": entries,
        "src/a_test.lua": `it("is mocked", function()
        mock("app:slow", function() return true end)
        expect(request("GET", "/api/slow").status):to_equal(200)
        expect(math.random(1, 1000000)):to_equal(0)
      end)`,
      },
      "--seed",
      "7",
    );
    expect(lines[0]!.failure!.message).toMatch(/^\d+ should equal 0$/);
  });

  test("says what is wrong with it", async () => {
    const second = `${entries}  - { name: other, kind: http.service, addr: ":2" }\n`;
    const none =
      `version: "1.0"\nnamespace: app\nentries:\n  - { name: x, kind: registry.entry }\n`;
    const said = async (call: string, index?: string) =>
      (await failures(`it("x", function() ${call} end)`, index))[0];
    expect(await said(`request("GET", "api")`)).toContain(
      "bad argument #2 to 'request' (a path that begins with / expected, got string)",
    );
    expect(await said(`request("GET", "/", { boddy = "x" })`)).toContain(
      "request has no option boddy; it has body, headers and server",
    );
    expect(await said(`request("GET", "/", { body = 3 })`)).toContain(
      "request: body is a string or table, got a number",
    );
    expect(await said(`request("GET", "/")`, none)).toBe(
      "Invalid: the application has no http.service",
    );
    expect(await said(`request("GET", "/")`, second)).toBe(
      'Invalid: the application has 2 servers; name one, such as server = "app:other"',
    );
    expect(await said(`request("GET", "/", { server = "app:other" })`, second)).toContain(
      "Unavailable: service app:other is",
    );
    expect(await said(`request("GET", "/", { server = "app:absent" })`)).toContain("NotFound: ");
  });
});
