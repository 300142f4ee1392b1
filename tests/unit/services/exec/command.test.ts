import { expect, test } from "bun:test";
import { splitCommand } from "../../../../src/services/exec/command.ts";

test.each([
  ["ls -la /tmp", ["ls", "-la", "/tmp"]],
  ["  ls   -la ", ["ls", "-la"]],
  ["git commit -m 'a b'", ["git", "commit", "-m", "a b"]],
  ['say "it\'s fine"', ["say", "it's fine"]],
  [`a'b c'd`, ["ab cd"]],
  [`x "" '' y`, ["x", "y"]],
  ["echo $HOME `id` *; rm x", ["echo", "$HOME", "`id`", "*;", "rm", "x"]],
  ["a\\ b", ["a\\", "b"]],
  ["a\tb\nc d", ["a\tb\nc", "d"]],
  ["open 'never closed", ["open", "never closed"]],
  ["", []],
  [`'' ""`, []],
])("%j", (command, words) => {
  expect(splitCommand(command)).toEqual(words);
});
