import { useState } from "preact/hooks";
import type { Got } from "../../client.ts";
import { useLoad } from "../live.ts";
import { Action, Choice, Empty, Link, Pager, readValues, Shown, Table } from "../parts.tsx";
import { api } from "../request.ts";
import { place, setQuery, to } from "../router.ts";

type Rated = Got<"/functions">["functions"][number] & { rate: number };

const orders: Readonly<Record<string, (left: Rated, right: Rated) => number>> = {
  failing: (left, right) => right.failed - left.failed || right.calls - left.calls,
  slowest: (left, right) => (right.p95 ?? 0) - (left.p95 ?? 0),
  busiest: (left, right) => right.rate - left.rate || right.calls - left.calls,
  name: (left, right) => left.id < right.id ? -1 : 1,
};

const time = (value: number | undefined) =>
  value === undefined ? "" : value < 10 ? `${value.toFixed(2)} ms` : `${Math.round(value)} ms`;

/** Functions and their pools. */
export function FunctionsView() {
  const [at, setAt] = useState<readonly string[]>([]);
  const [before] = useState<{ at: number; calls: Map<string, number> }>({
    at: 0,
    calls: new Map(),
  });
  const order = place.value.query.get("order") ?? "failing";
  const after = at.at(-1);
  const page = useLoad(`functions ${after ?? ""}`, async () => {
    const found = await api.get("/functions", { query: { after, limit: 200 } });
    const now = Date.now();
    const seconds = (now - before.at) / 1000;
    const rated = found.functions.map((one) => {
      const known = before.calls.get(one.id);
      return { ...one, rate: known === undefined ? 0 : (one.calls - known) / seconds };
    });
    before.at = now;
    before.calls = new Map(found.functions.map(({ id, calls }) => [id, calls]));
    return { functions: rated, next: found.next };
  });
  return (
    <>
      <h1>Functions</h1>
      <div class="filters">
        <Choice
          label="Order"
          value={order}
          of={[["failing", "Failing first"], ["slowest", "Slowest first"], [
            "busiest",
            "Busiest first",
          ], ["name", "By name"]]}
          set={(value) => setQuery({ order: value === "failing" ? undefined : value })}
        />
      </div>
      <Shown from={page}>
        {({ functions, next }) =>
          functions.length === 0
            ? (
              <Empty title="This application has no functions">
                <p>
                  Add an entry of the kind <code>function.lua</code>.
                </p>
              </Empty>
            )
            : (
              <>
                <Table
                  caption="Functions"
                  rows={functions.toSorted(orders[order] ?? orders["failing"])}
                  keyOf={({ id }) => id}
                  columns={[
                    {
                      title: "Function",
                      cell: ({ id }) => <Link to={to("registry", id)}>{id}</Link>,
                    },
                    { title: "Calls", number: true, cell: ({ calls }) => calls.toLocaleString() },
                    { title: "Calls/s", number: true, cell: ({ rate }) => rate.toFixed(1) },
                    {
                      title: "Failed",
                      number: true,
                      cell: ({ failed }) =>
                        failed === 0
                          ? "0"
                          : <strong class="bad-text">{failed.toLocaleString()}</strong>,
                    },
                    { title: "Running", number: true, minor: true, cell: ({ running }) => running },
                    { title: "Queued", number: true, minor: true, cell: ({ queued }) => queued },
                    {
                      title: "Pool",
                      minor: true,
                      cell: ({ type, instances, limit }) =>
                        type === "" ? "not called" : `${type} ${instances}/${limit}`,
                    },
                    { title: "p50", number: true, cell: ({ p50 }) => time(p50) },
                    { title: "p95", number: true, minor: true, cell: ({ p95 }) => time(p95) },
                    { title: "p99", number: true, minor: true, cell: ({ p99 }) => time(p99) },
                    {
                      title: "Actions",
                      cell: ({ id }) => (
                        <Action
                          label="Call"
                          ask={{
                            question: `Call ${id} with these arguments, a JSON list:`,
                            fields: [{
                              name: "args",
                              label: 'Arguments, such as [42, "text"]',
                              value: "[]",
                            }],
                          }}
                          run={({ args = "" }) => {
                            const values = readValues(args);
                            const list = values.length === 1 && Array.isArray(values[0])
                              ? values[0]
                              : values;
                            return api.post("/functions/:id/call", {
                              params: { id },
                              body: { args: list },
                            });
                          }}
                          done={page.reload}
                        />
                      ),
                    },
                  ]}
                />
                <Pager next={next} at={at} set={setAt} />
              </>
            )}
      </Shown>
    </>
  );
}
