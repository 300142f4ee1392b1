/**
 * `wippy ps`: running units.
 * @module
 */
import { withControls } from "../../observe/clean.ts";
import { span } from "../../observe/measure.ts";
import { unlistedText } from "../../observe/standing.ts";
import type { ApiClient, Got } from "../../admin/client.ts";
import { connect, type ConnectOptions } from "../connection.ts";
import type { Console } from "../terminal/terminal.ts";
import { table } from "../terminal/table.ts";

type Page = Got<"/units">;

/** A running unit. */
export type Unit = Page["units"][number];

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

/** Units up to a limit, whether there are more, and the workers whose units are missing. */
export async function fetchUnits(
  connection: ApiClient,
  options: Pick<PsOptions, "entry" | "host" | "limit">,
): Promise<{ units: Unit[]; unlisted: Page["unlisted"]; more: boolean }> {
  const units: Unit[] = [];
  const unlisted: Page["unlisted"] = [];
  let after: string | undefined;
  do {
    const page: Page = await connection.get("/units", {
      query: {
        entry: options.entry,
        host: options.host,
        after,
        limit: Math.max(1, Math.min(mostPerPage, options.limit - units.length)),
      },
    });
    units.push(...page.units);
    unlisted.push(...page.unlisted);
    after = page.next;
  } while (after !== undefined && units.length < options.limit);
  return { units, unlisted, more: after !== undefined };
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

/** What services show of themselves, below the units. */
async function showServices(connection: ApiClient): Promise<string> {
  const { services } = await connection.get("/services");
  const shown = services.flatMap(({ id, status, details }) =>
    status === "running" && details !== undefined ? [[id, details]] : []
  );
  return shown.length === 0 ? "" : `\n${table(["SERVICE", "DETAILS"], shown)}`;
}

/** `wippy ps` */
export async function ps(console: Console, options: PsOptions): Promise<number> {
  const connection = connect(console, options);
  for (;;) {
    const { units, unlisted, more } = await fetchUnits(connection, options);
    if (options.json) console.out(`${JSON.stringify({ units, unlisted, more })}\n`);
    else {
      if (options.watch) console.out(withControls("\u001b[2J\u001b[H"));
      if (units.length > 0) console.out(show(units, options.tree === true));
      else if (unlisted.length === 0) console.out("No units run\n");
      if (options.entry === undefined && options.host === undefined) {
        console.out(await showServices(connection));
      }
      for (const worker of unlisted) console.out(`\nMissing: ${unlistedText(worker)}\n`);
      if (more) console.out(`\nMore: these are the first ${units.length}; --limit shows more\n`);
    }
    if (!options.watch) return 0;
    await Bun.sleep(watchInterval);
  }
}
