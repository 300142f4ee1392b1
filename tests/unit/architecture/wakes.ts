/**
 * Who wakes a coroutine, and who waits. Coroutines of processes that have ended, and those of a pool's instances, go on
 * with others: what wakes one twice, or wakes one that no longer waits, would wake a stranger. So each wait is made
 * known under `scheduler.waiter()`, which raises where nothing may wait, and each door is in this list with the reason
 * why it wakes once.
 * @module
 */

/** The files that make coroutines ready, with how many places of theirs do; and why each wakes once. */
const doors: Readonly<Record<string, readonly [places: number, why: string]>> = {
  "lua/kernel/core/scheduler.lua": [
    5,
    "a timer leaves the heap as it fires; what yielded or spent its slice is in no other list",
  ],
  "lua/kernel/core/unit.lua": [
    4,
    "two starts, a speaker that is new, and a ticket, which is forgotten as it is answered",
  ],
  "lua/kernel/debug/debug.lua": [
    3,
    "what the hook stopped is in no other list, its stop is taken out first; and a new coroutine",
  ],
  "lua/kernel/functions/functions.lua": [
    2,
    "a callee ends once; its waiter is false from when its caller has ended",
  ],
  "lua/kernel/functions/lines.lua": [
    4,
    "an instance is free once, and is in no list then; a feeder wakes itself before it parks, and has one line",
  ],
  "lua/kernel/globals.lua": [2, "a new coroutine, and its spawner, which parks next"],
  "lua/kernel/inspect/repl.lua": [1, "a new coroutine"],
  "lua/kernel/messaging/channel.lua": [
    8,
    "a waiter leaves its channel as it is woken, a select all of its channels, and is done",
  ],
  "lua/kernel/messaging/messaging.lua": [1, "the waiter leaves the inbox as it is woken"],
  "lua/kernel/processes/announced.lua": [1, "the list of a number is taken out before it runs"],
  "lua/kernel/processes/remote.lua": [1, "the list of a worker is taken out before it is woken"],
  "lua/kernel/processes/spawning.lua": [
    4,
    "two tickets, which are answered once, and two waiters of a unit, which ends once",
  ],
  "lua/kernel/workflows/commands.lua": [1, "who waits for a number is taken out first"],
  "lua/kernel/workflows/scopes.lua": [1, "the timer is taken out before its waiter is woken"],
  "lua/kernel/workflows/updates.lua": [1, "a new coroutine"],
  "lua/modules/server.lua": [1, "a new coroutine"],
  "lua/modules/websocket.lua": [1, "a new coroutine"],
  "src/vm/natives/calls.as.ts": [
    2,
    "an instance that was free, and the waiter of a callee, which ends once",
  ],
  "src/vm/natives/mailbox.as.ts": [1, "the waiter leaves the inbox as it is woken"],
  "src/vm/natives/spawn.as.ts": [1, "a new coroutine"],
};

/** The files that park what nobody wakes, or whom somebody else has named; and why. */
const parks: Readonly<Record<string, string>> = {
  "lua/contexts/workflow.lua": "named by commands.waiter",
  "lua/kernel/functions/lines.lua": "a feeder is no code of a program",
  "lua/kernel/core/shortage.lua": "the task is given up",
  "lua/kernel/workflows/children.lua": "named by its caller",
  "lua/kernel/workflows/recording.lua": "named by commands.waiter",
  "lua/kernel/workflows/task_limits.lua": "the run has ended",
  "lua/kernel/workflows/versions.lua": "the task has failed",
  "lua/standard/system.lua": "the script has ended",
};

/** The files that look at who runs, and wake nobody by it. */
const looks = [
  "lua/kernel/core/scheduler.lua",
  "lua/kernel/debug/debug.lua",
  "lua/kernel/workflows/scopes.lua",
];

const wake = /(?<!function |[\w.])(?:(?:scheduler|host)\.)?ready(?:_first)?\(/g;
const nativeWake = /(?<!function )\benqueue\(/g;

function withoutComments(text: string): string {
  return text.replaceAll(/^\s*(?:--|\/\/).*$/gm, "");
}

/** Returns what breaks the rule in these files. */
export function wakes(tree: ReadonlyMap<string, string>): string[] {
  return [...tree].flatMap(([path, text]) => {
    const native = path.startsWith("src/vm/natives/") && path.endsWith(".as.ts");
    if (!native && !/^lua\/.*\.lua$/.test(path)) return [];
    const code = withoutComments(text);
    const found: string[] = [];
    const places = [...code.matchAll(native ? nativeWake : wake)].length;
    const listed = doors[path]?.[0] ?? 0;
    if (path !== "src/vm/natives/queue.as.ts" && places > 0 && places !== listed) {
      found.push(
        `${path} makes coroutines ready in ${places} places; the list of tests/unit/architecture/wakes.ts has ` +
          `${listed}. Make sure that each wakes a coroutine once, and only while it waits for that; then note why.`,
      );
    }
    if (!native && !looks.includes(path) && /\bscheduler\.co\b/.test(code)) {
      found.push(
        `${path} reads scheduler.co. Who is about to wait is scheduler.waiter(), which raises where nothing may.`,
      );
    }
    if (
      !native && /(?<!function )\bpark\(\)/.test(code) && !/waiter\(\)/.test(code) && !parks[path]
    ) {
      found.push(
        `${path} parks a coroutine that it has not named by scheduler.waiter(). Name it before anybody knows of the ` +
          "wait; where nobody wakes it, add it to the list of tests/unit/architecture/wakes.ts.",
      );
    }
    return found;
  });
}
