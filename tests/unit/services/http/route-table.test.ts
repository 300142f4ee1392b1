import { describe, expect, test } from "bun:test";
import { cleanPath, RouteTable } from "../../../../src/services/http/route-table.ts";

/** A table of `METHOD /path` (`* /path` for all methods), and what a request leads to. */
function table(...patterns: string[]) {
  const routes = new RouteTable(patterns.map((pattern) => {
    const [method, path] = pattern.split(" ") as [string, string];
    return { method: method === "*" ? undefined : method, path, id: pattern, target: pattern };
  }));
  return (method: string, path: string): unknown => {
    const found = routes.match(method, path);
    if (typeof found === "string") return found;
    if ("redirect" in found) return `-> ${found.redirect}`;
    if ("allow" in found) return `allow ${found.allow.join(" ")}`;
    return Object.keys(found.params).length > 0
      ? [found.route.target, found.params]
      : found.route.target;
  };
}

describe("the most specific pattern wins, whatever the order", () => {
  const patterns = [
    "GET /users/",
    "GET /users/{id}",
    "GET /users/me",
    "GET /users/{id}/posts/{post}",
    "GET /users/{rest...}",
    "GET /files/{path...}",
    "POST /users",
    "GET /:a/:b/c",
  ].filter((pattern) => pattern !== "GET /users/{rest...}");
  for (const order of [patterns, patterns.toReversed()]) {
    const find = table(...order);
    test.each([
      ["GET", "/users/me", "GET /users/me"],
      ["GET", "/users/7", ["GET /users/{id}", { id: "7" }]],
      ["GET", "/users/", "GET /users/"],
      ["GET", "/users/7/x", "GET /users/"],
      ["GET", "/users/7/posts/8", ["GET /users/{id}/posts/{post}", { id: "7", post: "8" }]],
      ["GET", "/files/a/b", "GET /files/{path...}"],
      ["GET", "/x/y/c", ["GET /:a/:b/c", { a: "x", b: "y" }]],
      ["HEAD", "/users/me", "GET /users/me"],
      ["GET", "/users/a%2Fb%20c", ["GET /users/{id}", { id: "a/b c" }]],
      ["POST", "/users", "POST /users"],
      ["GET", "/users", "-> /users/"],
      ["PUT", "/users", "allow GET HEAD POST"],
      ["PUT", "/files", "allow GET HEAD"],
      ["DELETE", "/users/me", "allow GET HEAD"],
      ["GET", "/files", "-> /files/"],
      ["GET", "/nothing", "none"],
      ["GET", "//users///me", "-> /users/me"],
      ["GET", "/users/../users/7/", "-> /users/7/"],
      ["GET", "/users/%zz", "malformed"],
    ])("%s %s", (method, path, expected) => expect(find(method, path)).toEqual(expected));
  }
});

test("HEAD has its own route where there is one", () => {
  const find = table("GET /a", "HEAD /a", "GET /b/{x}");
  expect([find("HEAD", "/a"), find("HEAD", "/b/1")]).toEqual(["HEAD /a", ["GET /b/{x}", {
    x: "1",
  }]]);
});

test("a route of all methods absorbs what has another method, and any more specific one wins", () => {
  const find = table("* /", "GET /api/x");
  expect([find("GET", "/api/x"), find("POST", "/api/x"), find("GET", "/other")])
    .toEqual(["GET /api/x", "* /", "* /"]);
});

test("the path with a slash is preferred to a tree above it, not to the path itself", () => {
  const find = table("* /", "* /static/", "GET /docs/{page...}", "GET /docs/old", "GET /api/{id}");
  expect(
    ["/static", "/docs", "/docs/old", "/docs/new", "/api/x", "/api", "/none"].map((path) =>
      find("GET", path)
    ),
  ).toEqual([
    "-> /static/",
    "-> /docs/",
    "GET /docs/old",
    "GET /docs/{page...}",
    ["GET /api/{id}", { id: "x" }],
    "* /",
    "* /",
  ]);
  expect(find("POST", "/docs")).toBe("* /");
});

test.each([
  ["GET /a", "GET /a"],
  ["GET /a/{x}", "GET /a/{y}"],
  ["GET /a/{x}", "GET /{y}/b"],
  ["GET /a/", "GET /a/{rest...}"],
  ["GET /{x}/b/", "GET /a/{y}/"],
])("%s and %s conflict", (left, right) => {
  expect(() => table(left, right)).toThrow(/conflict: .* neither is more specific/);
});

test.each([
  ["GET /a", "POST /a"],
  ["GET /a/{x}", "GET /a/b"],
  ["GET /a/{x}", "GET /a/"],
  ["GET /{x}/b", "GET /{x}/c"],
  ["GET /a/{x}", "GET /a/{x}/"],
])("%s and %s do not", (left, right) => {
  expect(() => table(left, right)).not.toThrow();
});

test.each([
  ["GET /a//b", "empty segment"],
  ["GET /a{x}", "whole segment"],
  ["GET /{x...}/b", "last segment"],
  ["GET /{x}/{x}", "two parameters named x"],
  ["GET /{}", "whole segment"],
])("%s is refused", (pattern, message) => expect(() => table(pattern)).toThrow(message));

test.each([
  ["/", "/"],
  ["", "/"],
  ["//", "/"],
  ["//evil.com/x", "/evil.com/x"],
  ["/a/./b/", "/a/b/"],
  ["/a/b/..", "/a/"],
  ["/..", "/"],
])("cleanPath(%j) is %j", (path, expected) => expect(cleanPath(path)).toBe(expected));
