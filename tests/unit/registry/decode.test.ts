import { describe, expect, test } from "bun:test";
import { tryDecode } from "../../../src/registry/decode.ts";
import { kinds } from "../../../src/registry/kinds.ts";

const variables = { lookup: () => undefined, has: () => false };

function decode(kind: string, data: Record<string, unknown>) {
  return tryDecode(kinds.get(kind)!, { id: "app:a", kind, meta: {}, data }, variables);
}

describe("a field that holds nothing", () => {
  const code = { source: "return {}", method: "main" };

  test("is as if it were not written, at any depth", () => {
    const empty = { pool: null, modules: null, imports: null };
    expect(decode("function.lua", { ...code, ...empty })).toEqual(decode("function.lua", code));
    const pool = { type: "static", workers: null, size: null, buffer: null };
    expect(decode("function.lua", { ...code, pool })).toEqual(
      decode("function.lua", { ...code, pool: { type: "static" } }),
    );
    const lifecycle = { auto_start: null, requires: null, restart: { jitter: null } };
    expect(decode("process.host", { host: null, lifecycle })).toEqual(decode("process.host", {}));
    const policy = { actions: "*", resources: "*", effect: "allow" };
    expect(decode("security.policy", { policy: { ...policy, conditions: null }, groups: null }))
      .toEqual(decode("security.policy", { policy }));
  });

  test("is missing where it is required", () => {
    expect(decode("function.lua", { ...code, source: null })).toEqual({
      faults: [{
        path: ["source"],
        message: "source is required",
        fix: 'add "source: file://NAME.lua" to the entry',
      }],
    });
  });

  test("is a fault as an item of a list and as a key of a map", () => {
    const given = { ...code, modules: [null], imports: { x: null } };
    expect(decode("function.lua", given)).toEqual({
      faults: [
        expect.objectContaining({ message: "modules[0] must be text, not nothing" }),
        expect.objectContaining({ message: "imports.x must be text, not nothing" }),
      ],
    });
  });

  test("stays where null is a value, and in the entry", () => {
    const service = { process: "app:p", host: "app:h", input: [null, 1] };
    expect(decode("process.service", service)).toEqual({
      data: expect.objectContaining({ input: [null, 1] }),
    });
    const data = { ...code, pool: null };
    decode("function.lua", data);
    expect(data.pool).toBeNull();
  });
});
