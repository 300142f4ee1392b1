/**
 * Every flag of every command: an unknown one is refused with the nearest known one, an impossible value with what is
 * possible. What has no grammar is listed here by name.
 */
import { expect, test } from "bun:test";
import type { Command } from "commander";
import { apiBase, createApi } from "../../../src/admin/admin.ts";
import { createProgram } from "../../../src/cli/cli.ts";
import { Shop } from "./shop.ts";

const console = {
  out: () => {},
  err: () => {},
  input: () => Promise.resolve(""),
  directory: "/",
  system: {},
  terminal: false,
  colour: false,
};

/** Every command, with its words. */
function commandsOf(command: Command, words: string[] = []): [string[], Command][] {
  // Groups have no flags, but for what is a command as well.
  const runs = command.commands.length === 0 || words.length > 0 && command.options.length > 0;
  const own: [string[], Command][] = runs ? [[words, command]] : [];
  return [
    ...own,
    ...command.commands.flatMap((inner) => commandsOf(inner, [...words, inner.name()])),
  ];
}

const program = createProgram(console, () => {});
const commands = commandsOf(program).filter(([words]) => words[0] !== "help");

/** Flags that take any text: names, identifiers, places, code. */
const free = new Set(
  ("--dir --config --exec --host --state --allow-host --tls-cert --tls-key --eval --src-dir --modules-dir " +
    "--lock-file --server --description --tags --embed --exclude-ns --exclude --bytecode --kind --ns --name --field --id --prefix --entry --run --out --update --update-arg --update-id " +
    "--reason --note --workflow-id --text --unit --journal --code --filter --temporal --namespace --key --coverage-output --test --run-a --run-b " +
    // A severity that is none counts as error.
    "--level").split(" "),
);

/** Flags whose values are checked when the command runs: a call with an impossible value, and a word of the refusal. */
const checked: Record<string, [args: string[], expected: string]> = {
  "--override": [["registry", "list", "-o", "banana"], "banana"],
  "--profile": [["registry", "list", "--profile", "banana"], "unknown profile: banana"],
  "--set": [["registry", "list", "--set", "banana"], "banana"],
  "--meta": [["registry", "list", "--meta", "banana"], 'invalid --meta "banana"'],
  "--since": [["workflow", "list", "--since", "banana"], '"banana" is not a time'],
  "--until": [["workflow", "list", "--until", "banana"], '"banana" is not a time'],
  "--closed-since": [["workflow", "list", "--closed-since", "banana"], '"banana" is not a time'],
  "--closed-until": [["workflow", "list", "--closed-until", "banana"], '"banana" is not a time'],
  "--attribute": [["workflow", "list", "--attribute", "banana"], 'invalid --attribute "banana"'],
  "--after": [["workflow", "list", "--after", "banana"], '"banana" is not a cursor'],
  "--option": [
    ["workflow", "start", "app:order", "--option", "banana"],
    'invalid --option "banana"',
  ],
  "--cron": [["schedule", "create", "x", "app:order", "--cron", "banana"], "banana"],
  "--every": [
    ["schedule", "create", "x", "app:order", "--every", "banana"],
    "every: a duration expected",
  ],
  "--time-zone": [
    ["schedule", "create", "x", "app:order", "--every", "1h", "--time-zone", "banana"],
    "banana",
  ],
  "--start": [
    ["schedule", "create", "x", "app:order", "--every", "1h", "--start", "banana"],
    "start_at: a time expected",
  ],
  "--end": [
    ["schedule", "create", "x", "app:order", "--every", "1h", "--end", "banana"],
    "end_at: a time expected",
  ],
  "--jitter": [
    ["schedule", "create", "x", "app:order", "--every", "1h", "--jitter", "banana"],
    "jitter",
  ],
  "--catchup-window": [
    ["schedule", "create", "x", "app:order", "--every", "1h", "--catchup-window", "banana"],
    "catchup_window",
  ],
  "--from": [["schedule", "backfill", "x", "--from", "banana"], '"banana" is not a time'],
  "--to": [
    ["schedule", "backfill", "x", "--from", "1h", "--to", "banana"],
    '"banana" is not a time',
  ],
  // As the specification says: it is ignored, with a warning.
  "--memory-limit": [
    ["-m", "banana", "-e", "print(1)"],
    'warning: --memory-limit "banana" is not a size and is ignored',
  ],
};

test("every flag with a value checks it", async () => {
  const shop = new Shop();
  await shop.open();
  const seen = new Set<string>();
  for (const [words, command] of [...commands, [[], program] as [string[], Command]]) {
    for (const option of command.options) {
      if (!option.required || option.long === undefined) continue;
      const { long } = option;
      seen.add(long);
      if (free.has(long) || checked[long]) continue;
      const { status, err } = await shop.wippy(...words, long, "banana");
      const place = `${words.join(" ")} ${long}`;
      expect(status, place).toBe(1);
      expect(err, place).toMatch(
        new RegExp(`option '.*${long} <.*>' argument 'banana' is invalid\\. (Allowed|Write)`),
      );
    }
  }
  for (const [flag, [args, expected]] of Object.entries(checked)) {
    const { status, err } = await shop.wippy(...args);
    expect(err, flag).toContain(expected);
    if (flag !== "--memory-limit") expect(status, flag).toBe(1);
  }
  // No list names a flag that is gone.
  expect([...free, ...Object.keys(checked)].filter((flag) => !seen.has(flag))).toEqual([]);
  expect((await shop.json("schedule", "list"))["schedules"]).toEqual([]);
  expect((await shop.json("workflow", "list"))["runs"]).toEqual([]);
}, 60_000);

test("no command takes an unknown flag", async () => {
  const shop = new Shop();
  expect(commands.length).toBeGreaterThan(30);
  for (const [words, { options }] of commands) {
    const needed = options.filter(({ mandatory }) => mandatory).flatMap((
      { flags },
    ) => [flags.split(" ")[0]!, "1"]);
    const { status, err } = await shop.wippy(...words, ...needed, "--bananas");
    expect([status, err], words.join(" ")).toEqual([
      1,
      "Error: unknown option '--bananas'\n    hint: wippy help lists commands and flags\n",
    ]);
  }
  expect((await shop.wippy("ps", "--limt", "5")).err).toContain("(Did you mean --limit?)");
});

test.each([
  [["registry", "show", "app:pay", "--raw"], "--raw shows one field"],
  [["registry", "list", "--json", "--yaml"], "cannot be used with option '--json'"],
  [["version", "--short", "--licenses"], "cannot be used with option '--short'"],
  [["workflow", "replay", "x.json", "--status", "failed"], "--status selects from all runs"],
  [["workflow", "replay", "a", "b", "--run", "r"], "--run selects a run of one workflow id"],
  [["workflow", "start", "app:order", "--accepted"], "no update to send"],
  [["workflow", "list", "-n", "0"], "Write a whole number from 1"],
  [["logs", "-n", "5000"], "Write a whole number from 1 to 1000"],
  [["serve", "--port", "70000"], "Write a whole number from 0 to 65535"],
  [["run", "--host", "app:terminal"], "--host names the terminal host of a command"],
])("%j is refused", async (args, message) => {
  const { status, err } = await new Shop().wippy(...args);
  expect(status).toBe(1);
  expect(err).toContain(message);
});

test("an unknown start option is ignored with one warning", async () => {
  const shop = new Shop();
  await shop.open();
  const start = ["workflow", "start", "app:order", "1", "2", "--option", "workflow.runtimeout=1h"];
  for (let n = 0; n < 2; n++) expect((await shop.wippy(...start)).status).toBe(0);
  const { out } = await shop.wippy("logs", "--level", "warn");
  const warning =
    "option workflow.runtimeout is unknown and ignored; did you mean workflow.run_timeout?";
  expect(out.split("\n").filter((line) => line.includes(warning))).toHaveLength(1);
});

test("no body and no query of the API takes an unknown field", async () => {
  const shop = new Shop();
  const target = await shop.start();
  const api = createApi(target, () => ({ name: "test", role: () => "admin" }));
  const answer = await api.request(`${apiBase}/openapi.json`);
  const document = await answer.json() as {
    paths: Record<string, Record<string, { requestBody?: unknown; parameters?: { in: string }[] }>>;
  };
  // The fields of a schedule are checked where Lua's are.
  const opaque = ["post /schedules", "post /schedules/{id}/update"];
  let bodies = 0;
  let queries = 0;
  for (const [path, methods] of Object.entries(document.paths)) {
    for (const [method, { requestBody, parameters = [] }] of Object.entries(methods)) {
      const name = `${method} ${path.slice(apiBase.length)}`;
      const address = path.replaceAll(/\{\w+\}/g, "app:x");
      const send = async (query: string, body: unknown) => {
        const response = await api.request(`${address}${query}`, {
          method: method.toUpperCase(),
          ...(requestBody !== undefined && {
            headers: { "content-type": "application/json" },
            body: JSON.stringify(body),
          }),
        });
        return `${response.status} ${await response.text()}`;
      };
      if (requestBody !== undefined && !opaque.includes(name)) {
        bodies++;
        const said = await send("", { bananas: 1 });
        expect(said, name).toStartWith("400 ");
        expect(said, name).toContain('unknown field \\"bananas\\"');
      }
      if (parameters.some(({ in: place }) => place === "query")) {
        queries++;
        const said = await send("?bananas=1", {});
        expect(said, name).toStartWith("400 ");
        expect(said, name).toContain('unknown field \\"bananas\\"');
      }
    }
  }
  expect([bodies, queries]).toEqual([16, 17]);
});
