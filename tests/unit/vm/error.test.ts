import { describe, expect, test } from "bun:test";
import { WippyError } from "../../../src/vm/error.ts";

describe("WippyError", () => {
  test("its plain form holds what is known, and makes it again", () => {
    const bare = new WippyError("Invalid", "bad");
    expect(bare.toJSON()).toEqual({ kind: "Invalid", message: "bad" });
    const full = {
      kind: "NotFound",
      message: "no",
      retryable: false,
      details: { id: 1 },
      position: "app:x:3",
      luaStack: "stack",
    };
    const error = WippyError.from(JSON.parse(JSON.stringify(full)));
    expect(error).toBeInstanceOf(WippyError);
    expect(error.toJSON()).toEqual(full);
  });

  test("is made of anything that was thrown", () => {
    const error = new WippyError("Timeout", "late");
    expect(WippyError.from(error)).toBe(error);
    const cause = new TypeError("a bug");
    expect(WippyError.from(cause)).toMatchObject({ kind: "Internal", message: "a bug", cause });
    expect(WippyError.from("text")).toMatchObject({ kind: "Internal", message: "text" });
    expect(WippyError.from(undefined)).toMatchObject({ kind: "Internal", message: "undefined" });
    expect(WippyError.from({ kind: 1, message: "x" }).kind).toBe("Internal");
  });
});
