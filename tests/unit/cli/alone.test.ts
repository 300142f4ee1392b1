import { expect, test } from "bun:test";
import type { Command } from "commander";
import { createProgram } from "../../../src/cli/cli.ts";
import { runCommand } from "./run/run-command.ts";

const whole = createProgram({} as never, () => {});
const find = (program: Command, name: string) =>
  program.commands.find((command) => command.name() === name);

test.each(["run", "serve", "test"])("%s is the same without the other commands", async (name) => {
  const program = createProgram({} as never, () => {}, name);
  expect(program.commands.length).toBeLessThan(5);
  const flags = (command: Command | undefined) =>
    command?.options.map(({ flags, description, defaultValue, hidden }) => ({
      flags,
      description,
      defaultValue,
      hidden,
    }));
  expect(flags(program)).toEqual(flags(whole));
  expect(flags(find(program, name))).toEqual(flags(find(whole, name)));
  const help = (await runCommand("/nowhere", "help", name)).out;
  expect((await runCommand("/nowhere", name, "--help")).out).toBe(help);
  const wrong = await runCommand("/nowhere", "--config", "x", name, "--nothing");
  expect(wrong.err).toContain("unknown option '--nothing'");
  const told = (await runCommand("/nowhere", name, "--nothing")).err;
  expect(told).toBe(wrong.err);
});

test("a first argument that is no command of its own has all commands", () => {
  for (const first of ["tset", "constructor", "-C", "help"]) {
    expect(createProgram({} as never, () => {}, first).commands.length)
      .toBe(whole.commands.length);
  }
});
