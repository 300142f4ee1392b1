/** What one actor of a program does. */
export interface Script {
  trap: boolean;
  steps: { op: string; to: number; how?: string }[];
  ending: string;
}

interface Note {
  slot: number;
  what: "started" | "try" | "ok" | "no" | "event" | "heard";
  args: (string | number | undefined)[];
}

/** What the driver saw; `before` and `ended` count the notes and ends up to the first time all was quiet. */
export interface Outcome {
  notes: Note[];
  before: number;
  ends: { pid: string; error?: string; failed?: boolean; unknown?: boolean }[];
  ended: number;
  pids: (string | undefined)[] | Map<number, string>;
  names: (string | false)[];
}

/** What is wrong with an outcome: sentences, none when all rules hold. */
export function faults(scripts: readonly Script[], outcome: Outcome): string[] {
  const found: string[] = [];
  const check = (holds: boolean, fault: string) => {
    if (!holds) found.push(fault);
  };
  const pids = outcome.pids instanceof Map
    ? outcome.pids
    : new Map(outcome.pids.map((pid, index) => [index + 1, pid] as const));
  const slotOf = new Map([...pids].map(([slot, pid]) => [pid, slot]));
  const early = outcome.ends.slice(0, outcome.ended);
  const endOf = new Map(early.map((end) => [slotOf.get(end.pid), end]));
  const notes = outcome.notes.slice(0, outcome.before);
  const by = (slot: number, what: Note["what"], ...args: unknown[]) =>
    notes.filter((note) =>
      note.slot === slot && note.what === what &&
      args.every((arg, index) => note.args[index] === arg)
    );

  for (const [slot, pid] of pids) {
    const told = outcome.ends.filter((end) => end.pid === pid).length;
    check(told === 1, `the end of ${slot} was told ${told} times`);
  }
  for (const { slot, what, args: [op, to] } of notes) {
    // One that ended before its first step was never heard of.
    if (!pids.has(Number(to))) continue;
    if (what === "ok" && (op === "terminate" || op === "cancel")) {
      check(endOf.has(Number(to)), `${slot} did ${op} ${to}, which is still there`);
    }
    if (what === "no" && (op === "link" || op === "terminate" || op === "send")) {
      check(endOf.has(Number(to)), `${slot} could not ${op} ${to}, which is still there`);
    }
  }

  const spawns = (slot: number, to: number, part: string) =>
    by(slot, "ok").filter(({ args }) =>
      args[1] === to && String(args[0]).startsWith("spawn") && String(args[0]).includes(part)
    ).length;
  for (const slot of pids.keys()) {
    const alive = !endOf.has(slot);
    for (const [to, pid] of pids) {
      const heard = notes.filter(({ what, slot: of, args }) =>
        what === "heard" && of === to && args[0] === slot
      ).map(({ args }) => args[1]);
      check(
        heard.every((number, index) => number === index + 1),
        `${to} heard ${heard.join()} from ${slot}`,
      );
      if (!endOf.has(to)) {
        const sent = by(slot, "ok", "send", to).length;
        check(heard.length >= sent, `${to} heard ${heard.length} of ${sent} from ${slot}`);
      }
      if (!alive) continue;

      const watched = by(slot, "ok", "monitor", to).length + spawns(slot, to, "monitored");
      const unwatched = by(slot, "try", "unmonitor", to).length > 0;
      const exits = by(slot, "event", "pid.exit", pid).length;
      const due = watched > 0 && endOf.has(to) ? 1 : 0;
      check(
        unwatched ? exits <= watched : exits === due,
        `${slot} monitored ${to} ${watched} times and got ${exits} EXIT`,
      );

      const linked = by(slot, "ok", "link", to).length + by(to, "ok", "link", slot).length +
        spawns(slot, to, "linked") + spawns(to, slot, "linked");
      const tried = by(to, "try", "link", slot).length + spawns(to, slot, "linked");
      const unlinked = by(slot, "try", "unlink", to).length + by(to, "try", "unlink", slot).length;
      const downs = by(slot, "event", "pid.link.down", pid).length;
      const end = endOf.get(to);
      check(downs <= Math.max(1, linked + tried), `${slot} got ${downs} LINK_DOWN from ${to}`);
      if (linked > 0 && unlinked === 0 && slot !== to && end && !end.unknown) {
        if (end.failed) {
          check(scripts[slot - 1]!.trap, `${slot} outlived ${to}, to which it was linked`);
          check(downs === 1, `${slot} got ${downs} LINK_DOWN of the linked ${to}, which failed`);
        } else check(downs === 0, `${slot} got LINK_DOWN of ${to}, which ended normally`);
      }
    }
    const end = endOf.get(slot);
    if (end?.error === "linked process failed") {
      const culprit = notes.some((note) =>
        note.what === "try" && /link/.test(String(note.args[0])) &&
        (note.slot === slot || note.args[1] === slot)
      );
      check(culprit, `${slot} fell with a link that it never had`);
    }
  }
  outcome.names.forEach((pid, index) => {
    const holder = pid ? slotOf.get(pid) : undefined;
    const name = index + 1;
    if (pid) {
      check(
        holder !== undefined && !endOf.has(holder) &&
          by(holder, "try", "register", name).length > 0,
        `name${name} belongs to ${holder ?? pid}, which is gone or never asked for it`,
      );
      return;
    }
    for (const slot of pids.keys()) {
      const kept = by(slot, "ok", "register", name).length > 0 &&
        by(slot, "try", "unregister", name).length === 0 && !endOf.has(slot);
      const others = notes.some(({ what, args }) =>
        what === "try" && args[0] === "unregister" && args[1] === name
      );
      check(!kept || others, `name${name} of ${slot} is lost`);
    }
  });
  return found;
}
