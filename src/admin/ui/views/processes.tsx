import { useRef, useState } from "preact/hooks";
import type { Got } from "../../client.ts";
import { span } from "../../../observe/measure.ts";
import { unlistedText } from "../../../observe/standing.ts";
import { useChanges, useLoad } from "../live.ts";
import { Choice, type Column, Empty, Filter, Link, Pager, Shown, State, Table } from "../parts.tsx";
import { api } from "../request.ts";
import { place, setQuery, to } from "../router.ts";

const perPage = 200;

/** A running unit. */
export type Unit = Got<"/units">["units"][number];

export const unitColumns: readonly Column<Unit>[] = [
  { title: "PID", cell: ({ pid }) => <Link class="mono" to={to("processes", pid)}>{pid}</Link> },
  { title: "Entry", cell: ({ entry }) => <Link to={to("registry", entry)}>{entry}</Link> },
  { title: "Kind", minor: true, cell: (unit) => unit.supervises ? "supervisor" : unit.kind },
  { title: "State", cell: ({ state }) => <State of={state} /> },
  { title: "Mailbox", number: true, cell: ({ mailbox }) => mailbox.toLocaleString() },
  { title: "Links", number: true, minor: true, cell: ({ link_count }) => link_count },
  { title: "Fuel", number: true, minor: true, cell: ({ fuel }) => fuel.toLocaleString() },
  {
    title: "Age",
    number: true,
    cell: ({ started }) => started === undefined ? "" : span(Date.now() - started),
  },
  { title: "Names", minor: true, cell: ({ names }) => names.join(", ") },
];

/** Levels that are open at first, and levels that are shown at all. */
const openLevels = 4;
const mostLevels = 40;

function Branch({ of, depth, below }: {
  of: string;
  depth: number;
  below: ReadonlyMap<string, readonly Unit[]>;
}) {
  return (
    <ul class="tree">
      {(below.get(of) ?? []).map((unit) => (
        <Leaf key={unit.pid} unit={unit} depth={depth} below={below} />
      ))}
    </ul>
  );
}

function Leaf({ unit, depth, below }: {
  unit: Unit;
  depth: number;
  below: ReadonlyMap<string, readonly Unit[]>;
}) {
  const [open, setOpen] = useState(depth < openLevels);
  const name = unit.names[0] ?? unit.entry;
  return (
    <li>
      {below.has(unit.pid) && depth < mostLevels
        ? (
          <button
            type="button"
            class="twig"
            aria-expanded={open}
            aria-label={`Children of ${name}`}
            onClick={() => setOpen(!open)}
          >
            {open ? "▾" : "▸"}
          </button>
        )
        : <span class="twig" />}
      <Link to={to("processes", unit.pid)}>{name}</Link> <span class="mono soft">{unit.pid}</span>
      {" "}
      <State of={unit.supervises ? "supervisor" : unit.state} />
      {unit.mailbox > 0 && <span class="soft">{unit.mailbox} waiting</span>}
      {open && below.has(unit.pid) && <Branch of={unit.pid} depth={depth + 1} below={below} />}
    </li>
  );
}

/** Units below the units that spawned them. */
function Tree({ units }: { units: readonly Unit[] }) {
  const known = new Set(units.map(({ pid }) => pid));
  const below = new Map<string, Unit[]>();
  for (const unit of units) {
    const parent = unit.parent !== undefined && known.has(unit.parent) ? unit.parent : "";
    below.set(parent, [...below.get(parent) ?? [], unit]);
  }
  return <Branch of="" depth={0} below={below} />;
}

/** Running units. */
export function ProcessesView() {
  const { query } = place.value;
  const entry = query.get("entry") ?? "";
  const host = query.get("host") ?? "";
  const shape = query.get("view") ?? "table";
  const [at, setAt] = useState<readonly string[]>([]);
  const after = at.at(-1);
  const page = useLoad(
    `units ${entry} ${host} ${after ?? ""}`,
    () => api.get("/units", { query: { entry, host, after, limit: perPage } }),
    3000,
  );
  const last = useRef(0);
  useChanges((change) => {
    // A start or an end shows at once, but not more often than it can be read.
    if (change && change.type !== "unit") return;
    if (Date.now() - last.current < 1000) return;
    last.current = Date.now();
    page.reload();
  });
  return (
    <>
      <h1>Processes</h1>
      <div class="filters">
        <Filter
          label="Entry"
          value={entry}
          placeholder="namespace:name"
          set={(value) => {
            setAt([]);
            setQuery({ entry: value });
          }}
        />
        <Filter
          label="Host"
          value={host}
          placeholder="namespace:name"
          set={(value) => {
            setAt([]);
            setQuery({ host: value });
          }}
        />
        <Choice
          label="View"
          value={shape}
          of={[["table", "Table"], ["tree", "Tree"]]}
          set={(value) => setQuery({ view: value === "table" ? undefined : value })}
        />
      </div>
      <Shown from={page}>
        {({ units, unlisted, next }) => (
          <>
            {unlisted.map((worker) => (
              <div class="trouble" role="alert" key={worker.worker}>
                <p>{unlistedText(worker)}.</p>
              </div>
            ))}
            {units.length === 0 && unlisted.length === 0
              ? (
                <Empty
                  title={entry || host ? "No units match these filters" : "No units are running"}
                >
                  <p>
                    A process is started by <code>process.spawn</code>, by a{" "}
                    <code>process.service</code>, or by a supervisor.
                  </p>
                </Empty>
              )
              : (
                <>
                  {shape === "tree" ? <Tree units={units} /> : (
                    <Table
                      caption="Units"
                      columns={unitColumns}
                      rows={units}
                      keyOf={({ pid }) => pid}
                    />
                  )}
                  <Pager next={next} at={at} set={setAt} />
                </>
              )}
          </>
        )}
      </Shown>
    </>
  );
}
