import { describe, expect, test } from "bun:test";
import { findSound } from "../../../src/app/sound.ts";
import { prepareSource } from "../../../src/app/source.ts";
import type { Entry } from "../../../src/registry/entry.ts";

describe("preparing a source", () => {
  const cases: [string, string][] = [
    ["#!/usr/bin/env wippy\nreturn 1\n", "\nreturn 1\n"],
    ["#!/usr/bin/env wippy", ""],
    ["\uFEFF#!x\r\nreturn 1", "\nreturn 1"],
    ["return #t\n#", "return #t\n#"],
    ["", ""],
  ];
  for (const [text, code] of cases) {
    test(JSON.stringify(text), () => expect(prepareSource("a:b", text).code).toBe(code));
  }
});

test("sound entries are those without errors that import only such", () => {
  const library = (id: string, ...targets: string[]): Entry => ({
    id,
    kind: "library.lua",
    meta: {},
    data: { imports: Object.fromEntries(targets.map((target, index) => [`i${index}`, target])) },
  });
  const entries = [
    library("a:broken"),
    library("a:direct", "a:broken"),
    library("a:indirect", "json", "a:direct"),
    library("a:lost", "a:gone"),
    library("a:warned", "json"),
    library("a:fine", "a:warned"),
  ];
  const problem = (severity: "error" | "warning", entry?: string) => ({
    severity,
    ...(entry === undefined ? {} : { entry }),
    message: "",
    fix: "",
  });
  const sound = findSound(entries, [
    problem("error"),
    problem("error", "a:broken"),
    problem("warning", "a:warned"),
  ]);
  expect(sound.map(({ id }) => id)).toEqual(["a:warned", "a:fine"]);
});
