import { describe, expect, test } from "bun:test";
import { acrossRestart, functions, pause } from "./across-restart.ts";
import { startDurable, type Units } from "./durable-application.ts";

describe("changed code", () => {
  const changes: [string, string, string, RegExp, RegExp][] = [
    [
      "another function",
      'funcs.call("app:same", 1)',
      'funcs.call("app:other", 1)',
      /ActivityScheduled .*app:same/,
      /schedule_activity .*app:other.* at app:main\d:1/,
    ],
    ["a step more", "", "time.sleep(1)", /nothing more/, /start_timer #1 at app:main\d:1/],
    [
      "a step less",
      "uuid.v4()",
      "",
      /event 4, SideEffectRecorded/,
      /no further command in that task: it waits at app:main\d:2/,
    ],
    [
      "another order",
      "uuid.v4() time.sleep(1)",
      "time.sleep(1) uuid.v4()",
      /SideEffectRecorded/,
      /start_timer/,
    ],
    [
      "another child",
      'workflow.exec("app:child")',
      'workflow.exec("app:child_two")',
      /ChildInitiated .*app:child/,
      /start_child .*app:child_two/,
    ],
    [
      "an early return",
      "",
      "do return 1 end",
      /nothing more in the task of event 2/,
      /complete_workflow at app:main\d:4/,
    ],
    [
      "an error",
      "",
      'error("new")',
      /nothing more in the task of event 2/,
      /fail_workflow \(Internal: app:main\d:1: new\) at app:main\d:1/,
    ],
    [
      "another signal",
      'process.send("{app:durable|x}", "a")',
      'process.send("{app:durable|x}", "b")',
      /event 4, ExternalSignalInitiated \{app:durable\|x\} a #1/,
      /signal_external #1 \{app:durable\|x\} b at app:main\d:1/,
    ],
    [
      "another change",
      'workflow.version("a", -1, 1)',
      'workflow.version("b", -1, 1)',
      /event 4, VersionRecorded a/,
      /no further command/,
    ],
    [
      "other attributes",
      "workflow.attrs{ memo = { a = 1 } }",
      "time.after(1000000)",
      /event 4, AttributesUpserted/,
      /start_timer #1 at app:main\d:1/,
    ],
    [
      "continue-as-new",
      "",
      "process.upgrade(nil, 1)",
      /nothing more in the task of event 2/,
      /continue_as_new app:main10 at app:main10:1/,
    ],
  ];
  const code = (which: "before" | "after"): Units => ({
    workflows: {
      ...Object.fromEntries(
        changes.map(([, before, after], i) => [
          `main${i}`,
          `${which === "before" ? before : after}
            print("waiting") process.listen("go"):receive()
            return "finished"`,
        ]),
      ),
      bystander: 'time.sleep(1) return "fine"',
      child: "return 1",
      child_two: "return 1",
    },
    functions: {
      same: "return ...",
      other: "return ...",
      begin: `for i = 0, ${changes.length - 1} do
          process.with_options{ ["workflow.id"] = "main" .. i }:spawn("app:main" .. i, "app:durable")
        end`,
      signal: 'process.send("{app:durable|main" .. ... .. "}", "go")',
      result: `process.monitor("{app:durable|main" .. ... .. "}")
        return process.events():receive().result.value`,
      watch: 'return workflow.exec("app:bystander")',
    },
  });

  test("blocks its runs, others go on, mended code lets them finish", async () => {
    const application = await startDurable(code("before"));
    await application.call("begin");
    for (const i of changes.keys()) await application.printedBy(`main${i}`);
    await application.start(code("after"));
    for (const [i, [name, , , expected, actual]] of changes.entries()) {
      await application.call("signal", i);
      const { level, message } = await application.reported(`workflow main${i} is blocked`);
      expect([name, level]).toEqual([name, "error"]);
      expect(message).toMatch(expected);
      expect(message).toMatch(actual);
    }
    expect(await application.call("watch")).toBe("fine");
    await application.start(code("before"));
    for (const i of changes.keys()) expect(await application.call("result", i)).toBe("finished");
  });

  test("mended code in a live registry lets them finish without a restart", async () => {
    const code = (first: string) => ({
      workflows: { main: `${first} ${pause} return "finished"` },
      functions,
    });
    const application = await startDurable(code(""));
    await application.call("begin");
    await application.reported("waiting");
    await application.start(code("uuid.v4()"));
    await application.call("signal", "go");
    await application.reported("is blocked");
    await application.change(code("time.sleep(1)"));
    await application.reported("start_timer");
    await application.change(code(""));
    expect(await application.call("result")).toBe("finished");
  });

  test("input, durations and what is logged may change", async () => {
    const code = (n: number) =>
      `print(${n}) funcs.call("app:same", ${n}) time.sleep(${n}) ${pause} return ${n}`;
    const { value } = await acrossRestart(code(1), { functions: { same: "return ..." } }, code(2));
    expect(value).toBe(2);
  });
});

describe("versions", () => {
  test("an old run is on the default, a new one on the newest", async () => {
    const before = `time.sleep(1) ${pause} return "old"`;
    const after = `local version = workflow.version("change", -1, 2)
      if version >= 1 then funcs.call("app:same") end
      time.sleep(1) ${pause}
      return { version, workflow.version("change", -1, 2), workflow.version("other", -1, 1) }`;
    const units = { functions: { same: "return ..." } };
    expect((await acrossRestart(before, units, after)).value).toEqual([-1, -1, 1]);
    expect((await acrossRestart(after, units)).value).toEqual([2, 2, 1]);
  });

  test("a recorded version stays, whatever the code supports now", async () => {
    const code = (maximum: number) =>
      `local version = workflow.version("change", 1, ${maximum}) time.sleep(1) ${pause} return version`;
    expect((await acrossRestart(code(1), {}, code(3))).value).toBe(1);
  });

  test("a version that the code has dropped blocks the run and says so", async () => {
    const code = (minimum: number, maximum: number) => ({
      workflows: {
        main: `local version = workflow.version("change", ${minimum}, ${maximum})
          ${pause} return version`,
      },
      functions,
    });
    const application = await startDurable(code(1, 1));
    await application.call("begin");
    await application.reported("waiting");
    await application.start(code(2, 3));
    await application.call("signal", "go");
    const { message } = await application.reported("is blocked");
    expect(message).toContain("version 1 of change 'change'");
    expect(message).toContain("app:main:1");
    expect(message).toContain("2 to 3");
    expect(message).toContain("history has event 4, VersionRecorded change 1");
    await application.start(code(1, 3));
    expect(await application.call("result")).toBe(1);
  });
});
