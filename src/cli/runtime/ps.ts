/**
 * `wippy ps`: running units.
 * @module
 */
import { span } from "../../observe/measure.ts";
import type { ApiClient, Got } from "../../admin/client.ts";
import { connect, type ConnectOptions } from "../connection.ts";
import type { Console } from "../terminal/terminal.ts";
import { table } from "../terminal/table.ts";

/** A running unit. */
export type Unit = Got<"/units">["units"][number];

export interface PsOptions extends ConnectOptions {
  entry?: string;
  host?: string;
  limit: number;
  tree?: boolean;
  watch?: boolean;
}

/** How often a watched list is shown again, in milliseconds. */
const watchInterval = 1000;
const mostPerPage = 1000;

/** Units up to a limit, and whether there are more. */
export async function fetchUnits(
  connection: ApiClient,
  options: Pick<PsOptions, "entry" | "host" | "limit">,
): Promise<{ units: Unit[]; more: boolean }> {
  const units: Unit[] = [];
  let after: string | undefined;
  do {
    const page: Got<"/units"> = await connection.get("/units", {
      query: {
        entry: options.entry,
        host: options.host,
        after,
        limit: Math.max(1, Math.min(mostPerPage, options.limit - units.length)),
      },
    });
    units.push(...page.units);
    after = page.next;
  } while (after !== undefined && units.length < options.limit);
  return { units, more: after !== undefined };
}

/** Units in the order of a tree, each with what is drawn before its PID. */
function asTree(units: readonly Unit[]): { unit: Unit; branch: string }[] {
  const known = new Set(units.map(({ pid }) => pid));
  const children = new Map<string | undefined, Unit[]>();
  for (const unit of units) {
    const parent = unit.parent !== undefined && known.has(unit.parent) ? unit.parent : undefined;
    const present = children.get(parent);
    if (present) present.push(unit);
    else children.set(parent, [unit]);
  }
  const rows: { unit: Unit; branch: string }[] = [];
  // Not by recursion: a chain of parents may be deeper than the stack.
  const open = (children.get(undefined) ?? []).toReversed()
    .map((unit) => ({ unit, branch: "", indent: "" }));
  for (let next = open.pop(); next; next = open.pop()) {
    const { unit, branch, indent } = next;
    rows.push({ unit, branch });
    const below = children.get(unit.pid) ?? [];
    for (const [place, child] of [...below.entries()].reverse()) {
      const last = place === below.length - 1;
      open.push({
        unit: child,
        branch: `${indent}${last ? "└─ " : "├─ "}`,
        indent: `${indent}${last ? "   " : "│  "}`,
      });
    }
  }
  return rows;
}

function show(units: readonly Unit[], tree: boolean): string {
  const now = Date.now();
  const rows = tree ? asTree(units) : units.map((unit) => ({ unit, branch: "" }));
  return table(
    ["PID", "ENTRY", "KIND", "STATE", "MAILBOX", "LINKS", "FUEL", "AGE", "NAMES"],
    rows.map(({ unit, branch }) => [
      `${branch}${unit.pid}`,
      unit.entry,
      unit.supervises ? "supervisor" : unit.kind,
      unit.state,
      String(unit.mailbox),
      String(unit.link_count),
      String(unit.fuel),
      unit.started === undefined ? "" : span(now - unit.started),
      unit.names.join(", "),
    ]),
  );
}

/** `wippy ps` */
export async function ps(console: Console, options: PsOptions): Promise<number> {
  const connection = connect(console, options);
  for (;;) {
    const { units, more } = await fetchUnits(connection, options);
    if (options.json) console.out(`${JSON.stringify({ units, more })}\n`);
    else {
      if (options.watch) console.out("\u001b[2J\u001b[H");
      console.out(units.length === 0 ? "No units run\n" : show(units, options.tree === true));
      if (more) console.out(`\nMore: these are the first ${units.length}; --limit shows more\n`);
    }
    if (!options.watch) return 0;
    await Bun.sleep(watchInterval);
  }
}
