import { describe, expect, test } from "bun:test";
import { chmodSync } from "node:fs";
import { join } from "node:path";
import { root } from "../../../../scripts/sources.ts";
import { writeFiles } from "../../app/temporary-application.ts";
import { runCommand } from "../run/run-command.ts";

const hello = join(root, "examples/hello");

/** The words that may come next, and what else may. */
async function candidates(directory: string, ...words: string[]): Promise<string[]> {
  const { status, out, err } = await runCommand(directory, "complete", "--", ...words);
  expect([status, err]).toEqual([0, ""]);
  return out.trimEnd().split("\n").map((line) => line.split("\t", 1)[0]!);
}

describe("wippy complete", () => {
  const cases: [string, string[], string[]][] = [
    ["a command", ["jour"], ["journal", ":files"]],
    ["a command below another", ["journal", "c"], ["check", "compact", ":nothing"]],
    ["a flag of a command", ["run", "--wat"], ["--watch", ":nothing"]],
    ["a flag that may come anywhere", ["run", "--very"], ["--very-verbose", ":nothing"]],
    ["a directory", ["run", "--state", ""], [":directories"]],
    ["a directory behind an equals sign", ["run", "--state="], [":directories"]],
    ["the value of a flag, not a command", ["--memory-limit", "ru"], [":nothing"]],
    ["a choice", ["completion", ""], ["bash", "zsh", "fish", ":nothing"]],
    ["a command of the application", ["run", ""], ["list", "hello", ":nothing"]],
    ["an entry", ["registry", "show", "hello:gr"], ["hello:greet", ":nothing"]],
    ["an entry for a flag", ["run", "--exec", "hello:gr"], ["hello:greet", ":nothing"]],
    ["arguments, which may be files", ["run", "hello", ""], [":files"]],
    ["runs, which may be files", ["workflow", "diff", "one.json", ""], [":files"]],
    ["no flag behind --", ["run", "--", "--wa"], [":nothing"]],
    ["a Lua file", ["scr"], [":files"]],
  ];
  test.each(cases)("completes %s", async (_name, words, wanted) => {
    expect(await candidates(hello, ...words)).toEqual(wanted);
  });

  test("reads the application that -C names", async () => {
    const { out } = await runCommand("/", "-C", hello, "complete", "--", "run", "h");
    expect(out).toBe("hello\tGreet somebody with all three units\n:nothing\n");
  });

  test("is silent where the application cannot be loaded", async () => {
    const directory = writeFiles({ "wippy.lock": "- [\n" });
    expect(await candidates(directory, "run", "")).toEqual(["list", ":nothing"]);
  });
});

/** A folder with a `wippy` that runs the sources, to be found by the scripts. */
function programs(): string {
  const folder = writeFiles({
    "wippy": `#!/bin/sh\nexec '${process.execPath}' '${join(root, "src/main.ts")}' "$@"\n`,
  });
  chmodSync(join(folder, "wippy"), 0o755);
  return folder;
}

/** Runs a shell in examples/hello with a wippy on PATH. */
function inShell(command: string[]): string {
  const run = Bun.spawnSync(command, {
    cwd: hello,
    env: { ...process.env, PATH: `${programs()}:${process.env["PATH"]}` },
  });
  expect(run.stderr.toString()).toBe("");
  return run.stdout.toString();
}

describe("the script of a shell completes", () => {
  const lines: [string, string[]][] = [
    ["wippy jour", ["journal"]],
    ["wippy registry show hello:gr", ["hello:greet"]],
    ["wippy run hello sr", ["src"]],
  ];

  test.skipIf(Bun.which("bash") === null)("bash (skipped without bash)", async () => {
    const { out: script } = await runCommand(hello, "completion", "bash");
    // compopt works only while a person presses the key.
    const ask = `${script}\ncompopt() { :; }\nCOMP_LINE=$1 COMP_POINT=\${#1}\n_wippy\n` +
      `printf '%s\\n' "\${COMPREPLY[@]}"`;
    for (const [line, wanted] of lines) {
      // Bash replaces what is behind the last colon only.
      const typed = wanted.map((word) => word.replace(/.*:/, ""));
      expect(inShell(["bash", "-c", ask, "-", line]).trim().split("\n")).toEqual(typed);
    }
  });

  test.skipIf(Bun.which("fish") === null)("fish (skipped without fish)", async () => {
    const { out: script } = await runCommand(hello, "completion", "fish");
    for (const [line, wanted] of lines) {
      const found = inShell(["fish", "--no-config", "-c", `${script}\ncomplete -C '${line}'`]);
      const words = found.trim().split("\n").map((each) => each.split("\t")[0]);
      expect(words).toEqual(wanted.map((word) => word === "src" ? "src/" : word));
    }
  });

  test.skipIf(Bun.which("zsh") === null)("zsh (skipped without zsh)", async () => {
    const { out: script } = await runCommand(hello, "completion", "zsh");
    // A completion function works only inside of the line editor: what it adds is recorded instead.
    const ask = `compdef() { :; }\n${script}\n_describe() { print -rl -- $candidates; }\n` +
      `_files() { print -r -- files; }\nwords=(\${=1}) CURRENT=\${#words}\n_wippy`;
    const found = lines.map(([line]) => inShell(["zsh", "-f", "-c", ask, "-", line]).trim());
    expect(found).toEqual([
      "journal:maintain the journal of workflows",
      "hello\\:greet:function.lua",
      "files",
    ]);
  });
});

test("an unknown shell is told which there are", async () => {
  expect(await runCommand(hello, "completion", "tcsh")).toMatchObject({
    status: 1,
    err:
      "Error: command-argument value 'tcsh' is invalid for argument 'shell'. Allowed choices are " +
      "bash, zsh, fish.\n    hint: wippy help lists commands and flags\n",
  });
});
