import { expect, test } from "bun:test";
import {
  attemptToken,
  localToken,
  queryToken,
  readAttemptToken,
  readTaskToken,
  taskToken,
} from "../../../../src/workflows/tasks/tokens.ts";

test("the token of an attempt is read back, and no other text is one", () => {
  for (
    const key of [
      { run: 1, seq: 1, attempt: 1 },
      { run: 42, seq: 7, attempt: 10 },
      { run: 2 ** 40, seq: 100_000, attempt: 0 },
    ]
  ) {
    expect(readAttemptToken(attemptToken(3, key))).toEqual(key);
  }
  const others = [
    "",
    "1",
    "1.2.3",
    "1.2.3.4.5",
    "1.2.3.",
    ".2.3.4",
    "1..3.4",
    "1.2.3.x",
    "1.2.-3.4",
    "1.2.3.4 ",
    taskToken(1, { run: 2, lease: 3 }),
    queryToken(1, 2),
    localToken(4),
  ];
  for (const other of others) expect(readAttemptToken(other)).toBeUndefined();
});

test("the token of a task is read back, and no other text is one", () => {
  for (
    const key of [{ run: 1, lease: 1 }, { run: 42, lease: 7 }, { run: 2 ** 40, lease: 100_000 }]
  ) {
    expect(readTaskToken(taskToken(3, key))).toEqual(key);
  }
  const attempt = attemptToken(1, { run: 2, seq: 3, attempt: 4 });
  const others = ["", "1", "1.2", "1.2.", ".2.3", "1..3", "1.2.x", "1.2.-3", "1.2.3 ", attempt];
  for (const other of [...others, queryToken(1, 2), localToken(4)]) {
    expect(readTaskToken(other)).toBeUndefined();
  }
});
