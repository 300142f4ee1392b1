import { useEffect, useRef, useState } from "preact/hooks";
import uPlot from "uplot";
import { compiledText } from "../../../observe/compiled.ts";
import { bytes, moment, span } from "../../../observe/measure.ts";
import type { Got } from "../../client.ts";
import { useChanges, useLoad } from "../live.ts";
import { Empty, Facts, Link, Shown, State } from "../parts.tsx";
import { api, segment } from "../request.ts";
import { to } from "../router.ts";

type Attention = Got<"/attention">["items"][number];

/** Seconds that the charts show. */
const shown = 120;

/** Distances of the lines of a chart: 1, 2, 5 and so on for numbers, powers of two for bytes. */
const decimal = Array.from(
  { length: 30 },
  (_, n) => [0.1, 0.2, 0.5][n % 3]! * 10 ** Math.floor(n / 3),
);
/** For what is counted: half of a unit is no tick. */
const whole = decimal.filter((step) => step >= 1);
const binary = Array.from({ length: 40 }, (_, n) => 2 ** n);

/** What the workers have compiled to WebAssembly, once they have. */
function Compiled({ workers }: { workers: Got<"/status">["workers"] }) {
  const text = compiledText(workers);
  return text === undefined ? null : <p>Compiled to WebAssembly: {text}</p>;
}

/** A line over time that grows at its right end. */
function Chart({ title, unit, at, value, steps = decimal }: {
  title: string;
  steps?: number[];
  unit(value: number): string;
  at: number;
  value: number;
}) {
  const holder = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot>(undefined);
  const points = useRef<[number[], number[]]>([[], []]);
  useEffect(() => {
    const [times, values] = points.current;
    times.push(at / 1000);
    values.push(value);
    if (times.length > shown) {
      times.shift();
      values.shift();
    }
    plot.current?.setData([times, values]);
  }, [at]);
  useEffect(() => {
    const element = holder.current!;
    const { color: line, borderTopColor: faint, textDecorationColor: ink } = getComputedStyle(
      element,
    );
    const axis = { stroke: ink, grid: { stroke: faint, width: 1 }, ticks: { show: false } };
    plot.current = new uPlot(
      {
        width: element.clientWidth,
        height: 140,
        legend: { show: false },
        cursor: { show: false },
        scales: { y: { range: (_, low, high) => [Math.min(0, low), Math.max(1, high * 1.1)] } },
        axes: [
          {
            ...axis,
            values: (_, ticks) => ticks.map((tick) => moment(tick * 1000).slice(11)),
            space: 70,
            size: 30,
          },
          { ...axis, size: 64, incrs: steps, values: (_, ticks) => ticks.map(unit) },
        ],
        series: [{}, {
          stroke: line,
          width: 2,
          fill: line.replace("rgb(", "rgba(").replace(")", ", 0.12)"),
          points: { show: false },
        }],
      },
      points.current,
      element,
    );
    const resize = new ResizeObserver(() => {
      plot.current?.setSize({ width: element.clientWidth, height: 140 });
    });
    resize.observe(element);
    return () => {
      resize.disconnect();
      plot.current?.destroy();
    };
  }, []);
  return (
    <section class="card">
      <h2>
        {title} <output>{unit(value)}</output>
      </h2>
      <div class="chart" ref={holder} role="img" aria-label={`${title}: now ${unit(value)}`} />
    </section>
  );
}

function target({ about, id }: Attention): string {
  switch (about) {
    case "run":
      return to("workflows", id);
    case "workflow":
      return `/workflows?status=failed&entry=${segment(id)}`;
    case "unit":
      return to("processes", id);
    case "function":
      return "/functions";
    case "log":
      return "/logs?level=error";
    case "service":
      return "/services";
    case "worker":
      return "/processes";
  }
}

/** The functions whose calls take longest. */
function Slowest() {
  const functions = useLoad(
    "slowest",
    () => api.get("/functions", { query: { limit: 1000 } }),
    3000,
  );
  return (
    <Shown from={functions}>
      {({ functions: all }) => {
        const called = all.filter(({ p95 }) => p95 !== undefined)
          .sort((left, right) => right.p95! - left.p95!).slice(0, 5);
        if (called.length === 0) {
          return <p class="soft">No calls since you opened this page.</p>;
        }
        return (
          <Facts
            of={called.map(({ id, p50, p95 }) =>
              [
                <Link to={to("registry", id)}>{id}</Link>,
                `${p95!.toFixed(p95! < 10 ? 2 : 0)} ms (median ${p50!.toFixed(2)})`,
              ] as never
            )}
          />
        );
      }}
    </Shown>
  );
}

/** What lives, what fails, and what needs somebody. */
export function Overview() {
  const status = useLoad("status", () => api.get("/status"), 1000);
  const attention = useLoad(
    "attention",
    () => api.get("/attention"),
    3000,
  );
  const counted = useRef({ starts: 0, since: Date.now(), rate: 0 });
  const [, setTick] = useState(0);
  useChanges((change) => {
    if (change?.type === "unit" && change.data["kind"] === "start") counted.current.starts++;
  });
  useEffect(() => {
    const timer = setInterval(() => {
      const now = Date.now();
      const { starts, since } = counted.current;
      counted.current = { starts: 0, since: now, rate: starts / ((now - since) / 1000) };
      setTick((before) => before + 1);
    }, 1000);
    return () => clearInterval(timer);
  }, []);
  return (
    <>
      <h1>Overview</h1>
      <section aria-labelledby="needs">
        <h2 id="needs">Needs attention</h2>
        <Shown from={attention}>
          {({ items }) =>
            items.length === 0
              ? (
                <p class="fine">
                  Nothing: no failed or blocked runs, failed services, failing functions or long
                  mailboxes.
                </p>
              )
              : (
                <ul class="attention">
                  {items.map((item) => (
                    <li>
                      <State of={item.severity} />
                      <Link to={target(item)}>{item.id}</Link> {item.message}
                    </li>
                  ))}
                </ul>
              )}
        </Shown>
      </section>
      <Shown from={status}>
        {(now) => (
          <>
            <div class="cards">
              <Chart
                steps={whole}
                title="Running units"
                unit={(value) => Math.round(value).toLocaleString()}
                at={now.now}
                value={now.units}
              />
              <Chart
                steps={binary}
                title="Memory"
                unit={bytes}
                at={now.now}
                value={now.memory.resident}
              />
              <Chart
                title="Starts/s"
                unit={(value) => value >= 10 ? String(Math.round(value)) : value.toFixed(1)}
                at={now.now}
                value={counted.current.rate}
              />
            </div>
            <div class="cards">
              <section class="card">
                <h2>Workers</h2>
                {now.workers.map(({ index, units }) => (
                  <label class="load">
                    Worker {index}
                    <meter
                      min={0}
                      max={Math.max(1, ...now.workers.map((worker) => worker.units))}
                      value={units}
                    />
                    {units.toLocaleString()} units
                  </label>
                ))}
                <Compiled workers={now.workers} />
              </section>
              <section class="card">
                <h2>Services</h2>
                {Object.keys(now.services).length === 0
                  ? (
                    <Empty title="No services">
                      <p>Hosts and services are entries of the application.</p>
                    </Empty>
                  )
                  : (
                    <Facts
                      of={Object.entries(now.services).map(([state, count]) =>
                        [<State of={state} />, <Link to="/services">{count}</Link>] as never
                      )}
                    />
                  )}
              </section>
              <section class="card">
                <h2>Slowest functions</h2>
                <Slowest />
              </section>
              <section class="card">
                <h2>Runtime</h2>
                <Facts
                  of={[
                    ["Version", now.version],
                    ["Up", span(now.now - now.started)],
                    ["Started", moment(now.started)],
                    ["Process", String(now.process_id)],
                    [
                      "Folder",
                      <span title={now.directory}>{now.directory.split(/[\\/]/).at(-1)}</span>,
                    ],
                    ["Entries", <Link to="/registry">{now.entries}</Link>],
                    ["Workflow hosts", now.workflow_hosts.join(", ") || "none"],
                    ...now.journals.map(({ host, bytes: size, log }) =>
                      [
                        "Journal",
                        <span title={host}>{bytes(size)} (WAL {bytes(log)})</span>,
                      ] as const
                    ),
                  ]}
                />
              </section>
            </div>
          </>
        )}
      </Shown>
    </>
  );
}
