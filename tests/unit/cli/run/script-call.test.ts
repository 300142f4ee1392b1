import { expect, test } from "bun:test";
import { scriptCall } from "../../../../src/cli/run/script-call.ts";

test("a script without flags before it is known at once", () => {
  expect(scriptCall(["a.lua"])).toEqual({ file: "a.lua", rest: [] });
  expect(scriptCall(["./tool", "-v", "--", "x"])).toEqual({
    file: "./tool",
    rest: ["-v", "--", "x"],
  });
  expect(scriptCall(["/usr/bin/tool"])).toEqual({ file: "/usr/bin/tool", rest: [] });
  expect(scriptCall(["-", "a"])).toEqual({ file: "-", rest: ["a"] });
  expect(scriptCall(["-e", "print(1)", "-e", "x"])).toEqual({
    code: "print(1)",
    rest: ["-e", "x"],
  });
  expect(scriptCall(["run", "a.lua", "x"])).toEqual({ file: "a.lua", rest: ["x"] });
});

test("everything else is for those who look at flags", () => {
  for (
    const args of [[], ["run"], ["run", "task"], ["run", "a.lua", "-v"], ["-e"], ["-s", "a.lua"], [
      "--state=x/y",
      "a.lua",
    ], ["version"]]
  ) {
    expect(scriptCall(args)).toBeUndefined();
  }
});
