import { expect, test } from "bun:test";
import { homedir } from "node:os";
import { join } from "node:path";
import { scriptStateFolder } from "../../../src/app/state-folder.ts";

test("a script has a folder of its own below the user's state", () => {
  const system = { XDG_STATE_HOME: "/state", HOME: "/home/ada" };
  const folder = scriptStateFolder("/scripts/my order.lua", system);
  expect(folder).toStartWith("/state/wippy/scripts/my_order.lua-");
  expect(scriptStateFolder("/scripts/my order.lua", system)).toBe(folder);
  expect(scriptStateFolder("/other/my order.lua", system)).not.toBe(folder);
  expect(scriptStateFolder("print(1)", system)).toStartWith("/state/wippy/scripts/script-");
});

test("without XDG_STATE_HOME, or with a relative one, it is in the home folder", () => {
  const key = "/scripts/a.lua";
  const below = (home: string) => join(home, ".local/state/wippy/scripts/");
  expect(scriptStateFolder(key, { HOME: "/home/ada" })).toStartWith(below("/home/ada"));
  expect(scriptStateFolder(key, { HOME: "/home/ada", XDG_STATE_HOME: "state" }))
    .toStartWith(below("/home/ada"));
  expect(scriptStateFolder(key, {})).toStartWith(below(homedir()));
});
