import { expect, test } from "bun:test";
import {
  allowsEvents,
  allowsSocket,
  originPatterns,
} from "../../../../../src/services/http/relay/origins.ts";

const request = (origin: string | null, more: Record<string, string> = {}) =>
  new Request("http://own.example:8080/", {
    headers: { host: "own.example:8080", ...(origin !== null && { origin }), ...more },
  });

test("the first option that is there counts", () => {
  const all = { "wsrelay.allowed.origins": "A, b", allow_origins: "c", allowed_origins: "d" };
  expect(originPatterns(all, "wsrelay")).toEqual(["a", "b"]);
  expect(originPatterns({ allow_origins: "c", allowed_origins: "d" }, "wsrelay")).toEqual(["c"]);
  expect(originPatterns({ allowed_origins: "d" }, "wsrelay")).toEqual(["d"]);
  expect(originPatterns({}, "wsrelay")).toEqual([]);
});

test.each([
  [[], null, true],
  [[], "http://own.example:8080", true],
  [[], "https://OWN.example:8080", true],
  [[], "http://own.example", false],
  [[], "null", false],
  [["*"], "https://any.example", true],
  [["*"], "null", true],
  [["*.shop.example"], "https://a.b.shop.example", true],
  [["*.shop.example"], "https://shop.example", false],
  [["*.shop.example"], "https://evil.example/.shop.example", false],
  [["shop.example:*"], "http://shop.example:3000", true],
  [["https://*.shop.example"], "https://a.shop.example", true],
  [["https://*.shop.example"], "http://a.shop.example", false],
  [["a.example"], "https://axexample", false],
])("a WebSocket with patterns %j of origin %p: %p", (patterns, origin, allowed) => {
  expect(allowsSocket(patterns, request(origin))).toBe(allowed);
});

test.each([
  [[], null, {}, true],
  [[], "http://own.example:8080", {}, true],
  [[], "https://own.example:8080", {}, false],
  [[], "https://own.example:8080", { "x-forwarded-proto": "https" }, true],
  [[], "http://other.example", {}, false],
  [["*"], "http://other.example", {}, true],
  [["http://other.example"], "http://own.example:8080", {}, false],
  [["other.example"], "http://other.example", {}, false],
  [["http*://*.other.example"], "https://a.other.example", {}, true],
])("events with patterns %j of origin %p with %j: %p", (patterns, origin, more, allowed) => {
  expect(allowsEvents(patterns, request(origin, more), false)).toBe(allowed);
});
