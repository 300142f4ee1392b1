import { expect, test } from "bun:test";
import { plain } from "../../../src/admin/plain.ts";
import { withoutSecrets } from "../../../src/admin/routes/config.ts";
import { WippyError } from "../../../src/vm/error.ts";
import { LuaFloat } from "../../../src/vm/value.ts";

test("values of Lua become what JSON can say", () => {
  const cyclic: Record<string, unknown> = { name: "self" };
  cyclic["self"] = cyclic;
  expect(plain(cyclic)).toEqual({ name: "self", self: "(cycle)" });
  const shared = { n: 1 };
  expect(plain([shared, shared])).toEqual([{ n: 1 }, { n: 1 }]);
  expect(plain([undefined, 2n ** 60n, 5n, NaN, -Infinity, new LuaFloat(3), () => 1]))
    .toEqual([null, "1152921504606846976", 5, "nan", "-inf", 3, null]);
  expect(plain(new Map<unknown, unknown>([[1, "a"], [new LuaFloat(2), "b"], [true, undefined]])))
    .toEqual({ 1: "a", 2: "b" });
  expect(plain(new Uint8Array([255, 0]))).toEqual({ $base64: "/wA=" });
  expect(plain(new WippyError("Invalid", "no", { position: "app:x:3" })))
    .toEqual({ kind: "Invalid", message: "no", position: "app:x:3" });
});

test("secrets of the configuration are hidden, whatever holds them", () => {
  const config = {
    relay: { node_name: "a", auth_token: "s3cret", tokens: ["x", "y"] },
    db: [{ password: { value: "s" }, user: "me", api_key: 12 }],
    key_file: "shown",
    secret: true,
  };
  expect(withoutSecrets(config)).toEqual({
    relay: { node_name: "a", auth_token: "(hidden)", tokens: "(hidden)" },
    db: [{ password: "(hidden)", user: "me", api_key: "(hidden)" }],
    key_file: "shown",
    secret: true,
  });
});
