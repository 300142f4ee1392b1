import { expect, test } from "bun:test";
import { allow, asService } from "./as_service.ts";

const steps = [
  ["nothing", {}, "not allowed to access executor: app:tools"],
  [
    "another executor",
    { get: allow("exec.get", "app:other") },
    "not allowed to access executor: app:tools",
  ],
  [
    "the executor",
    { get: allow("exec.get", "app:tools") },
    "not allowed to execute command: /bin/true now",
  ],
  [
    "another command",
    { get: allow("exec.get", "app:tools"), run: allow("exec.run", "/bin/true") },
    "not allowed to execute command: /bin/true now",
  ],
  ["the command", {
    get: allow("exec.get", "app:tools"),
    run: allow("exec.run", "/bin/true now"),
  }, "ran"],
] as const;

test.each(steps)("with the permission for %s", async (_, policies, expected) => {
  const told = await asService(
    { actor: { id: "u" }, policies: ["logging", ...Object.keys(policies)] },
    `local tools, err = require("exec").get("app:tools")
     local program
     if tools then program, err = tools:exec("/bin/true now") end
     if not program then return err:kind() .. ": " .. err:message() end
     assert(program:start())
     return "ran"`,
    {
      entries: {
        tools: { kind: "exec.native" },
        logging: allow(["logger.*", "process.*"]),
        ...policies,
      },
    },
  );
  expect(told).toBe(expected === "ran" ? "ran" : `Invalid: ${expected}`);
});
