import { useState } from "preact/hooks";
import { addressOf, type Got } from "../../client.ts";
import { bytes, moment, span } from "../../../observe/measure.ts";
import { useLoad } from "../live.ts";
import {
  Action,
  Choice,
  Facts,
  Link,
  Pager,
  readValues,
  Shown,
  State,
  Table,
  Value,
} from "../parts.tsx";
import { api, ApiError, segment, send } from "../request.ts";
import { go, place, setQuery, to } from "../router.ts";
import type { ShownEvent } from "./bars.ts";
import { Timeline } from "./timeline.tsx";
import { runState } from "./workflows.tsx";

type RunDetail = Got<"/workflows/:id">;

interface Seen {
  run: RunDetail;
  /** The newest, oldest first. */
  events: ShownEvent[];
}

/** Events that the timeline is made of: the newest ones. */
const timelineEvents = 1000;
const perPage = 100;

/** Reads a run, and the newest events of its history. */
function reader(id: string, runId: string | undefined): () => Promise<Seen> {
  const params = { id };
  let events: ShownEvent[] = [];
  return async () => {
    const run = await api.get("/workflows/:id", { params, query: { run: runId } });
    const missing = run.history_length - (events.at(-1)?.id ?? 0);
    if (missing > 0) {
      const page = await api.get("/workflows/:id/history", {
        params,
        query: { run: run.run_id, order: "newest", limit: Math.min(missing, timelineEvents) },
      });
      const last = events.at(-1)?.id ?? 0;
      const added = page.events.filter((event) => event.id > last).reverse();
      events = [...events, ...added].slice(-timelineEvents);
    }
    return { run, events };
  };
}

function Blocked({ run }: { run: RunDetail }) {
  if (!run.blocked) return null;
  const { message, expected, actual } = run.blocked;
  return (
    <section class="trouble" role="alert">
      <h2>Blocked: the code does not match its history</h2>
      <p>{message}</p>
      <Facts
        of={[
          ["Recorded event", expected && <code>event {expected.eventId} {expected.event}</code>],
          ["Code", actual && <code>{actual.command} at {actual.at}</code>],
        ]}
      />
      <p>
        Correct the code, or guard the change with{" "}
        <code>workflow.version</code>; the run then continues by itself.
      </p>
    </section>
  );
}

function Pending({ run }: { run: RunDetail }) {
  if (run.pending_activities.length === 0 && run.pending_timers.length === 0) return null;
  return (
    <section>
      <h2>Pending</h2>
      {run.pending_activities.length > 0 && (
        <Table
          caption="Pending activities"
          rows={run.pending_activities}
          keyOf={({ seq }) => String(seq)}
          columns={[
            { title: "Activity", cell: ({ entry }) => entry },
            { title: "State", cell: ({ state }) => <State of={state} /> },
            { title: "Attempt", number: true, cell: ({ attempt }) => attempt },
            {
              title: "For",
              number: true,
              minor: true,
              cell: ({ scheduled }) => span(Date.now() - scheduled),
            },
            {
              title: "Next",
              cell: ({ next_attempt: next }) =>
                next === undefined ? "" : `in ${span(next - Date.now())}`,
            },
            {
              title: "Last failure",
              cell: ({ last_failure: failure }) =>
                (failure as { message?: string } | undefined)?.message ?? "",
            },
          ]}
        />
      )}
      {run.pending_timers.length > 0 && (
        <Table
          caption="Pending timers"
          rows={run.pending_timers}
          keyOf={({ seq }) => String(seq)}
          columns={[
            { title: "Timer", cell: ({ seq }) => `#${seq}` },
            { title: "Fires", cell: ({ due }) => moment(due) },
            { title: "In", number: true, cell: ({ due }) => span(due - Date.now()) },
          ]}
        />
      )}
    </section>
  );
}

/** What people want to see of a history: not the engine's own steps. */
const ownSteps = new Set(["TaskStarted", "TaskCompleted"]);

/** The history, page by page, from either end. */
function Events({ run }: { run: RunDetail }) {
  const { query } = place.value;
  const form = query.get("events") ?? "compact";
  const order = query.get("order") === "newest" ? "newest" : "oldest";
  const [at, setAt] = useState<readonly string[]>([]);
  const after = at.at(-1);
  // Read again when there are more; a page between the ends stays as it is.
  const page = useLoad(
    `history ${run.run_id} ${order} ${after ?? ""} ${run.history_length}`,
    () =>
      api.get("/workflows/:id/history", {
        params: { id: run.pid },
        query: { run: run.run_id, order, after, limit: perPage },
      }),
    0,
  );
  return (
    <section>
      <h2>History</h2>
      <div class="filters">
        <Choice
          label="Events"
          value={form}
          of={[["compact", "Compact"], ["full", "Full"]]}
          set={(value) => setQuery({ events: value === "compact" ? undefined : value })}
        />
        <Choice
          label="Order"
          value={order}
          of={[["oldest", "Oldest first"], ["newest", "Newest first"]]}
          set={(value) => {
            setAt([]);
            setQuery({ order: value === "oldest" ? undefined : value });
          }}
        />
      </div>
      <Shown from={page}>
        {({ events, next }) => (
          <>
            <ol class="events">
              {events.filter(({ type }) => form === "full" || !ownSteps.has(type)).map((event) => (
                <li key={event.id}>
                  <details>
                    <summary>
                      <span class="soft number">{event.id}</span>{" "}
                      <span class="soft">+{span(event.time - run.started)}</span>{" "}
                      <strong>{event.type}</strong>{" "}
                      <span class="gist">
                        {["entry", "name", "message"].map((key) => event.data[key])
                          .filter((value) =>
                            typeof value === "string"
                          ).join(" ")}
                      </span>
                    </summary>
                    <pre tabIndex={0}>{JSON.stringify(event.data, undefined, 2)}</pre>
                  </details>
                </li>
              ))}
            </ol>
            <Pager next={next} at={at} set={setAt} />
          </>
        )}
      </Shown>
    </section>
  );
}

/** Downloads the history. Not a plain link: that would come without the session's secret. */
function Export({ run }: { run: RunDetail }) {
  return (
    <Action
      label="Export"
      run={async () => {
        const params = { id: run.pid };
        const query = { run: run.run_id };
        const response = await send(addressOf("/workflows/:id/export", { params, query }));
        if (!response.ok) throw new ApiError(response.status, "Error", await response.text());
        const link = document.createElement("a");
        link.href = URL.createObjectURL(await response.blob());
        link.download = `${run.workflow_id}.json`;
        link.click();
        URL.revokeObjectURL(link.href);
      }}
    />
  );
}

function Actions({ run, reload }: { run: RunDetail; reload(): void }) {
  const params = { id: run.pid };
  const open = run.status === "running";
  const name = { name: "name", label: "Name" };
  const values = { name: "values", label: "Value (JSON, or text)" };
  return (
    <div class="actions">
      {open && (
        <>
          <Action
            label="Signal"
            ask={{ question: "Send a signal:", fields: [name, values] }}
            run={({ name, values = "" }) =>
              api.post("/workflows/:id/signal", {
                params,
                body: { name: name ?? "", payloads: readValues(values) },
              })}
            done={reload}
          />
          <Action
            label="Update"
            ask={{ question: "Send an update and wait for its outcome:", fields: [name, values] }}
            run={({ name, values = "" }) =>
              api.post("/workflows/:id/update", {
                params,
                body: { name: name ?? "", args: readValues(values) },
              })}
            done={reload}
          />
        </>
      )}
      <Action
        label="Query"
        ask={{
          question: "Query this run; nothing is recorded:",
          fields: [{ ...name, value: "__stack_trace" }, values],
        }}
        run={({ name, values = "" }) =>
          api.post("/workflows/:id/query", {
            params,
            body: { name: name ?? "", args: readValues(values), run: run.run_id },
          })}
      />
      {run.blocked && (
        <Action
          label="Retry now"
          run={() => api.post("/workflows/:id/retry", { params, body: {} })}
          done={reload}
        />
      )}
      {open && (
        <>
          <Action
            label="Cancel"
            ask={{
              question: "Request cancellation? The run may clean up first.",
              fields: [{ name: "reason", label: "Reason" }],
            }}
            run={({ reason = "" }) =>
              api.post("/workflows/:id/cancel", { params, body: { reason } })}
            done={reload}
          />
          <Action
            danger
            label="Terminate"
            ask={{
              question: "Terminate this run at once? Its code gets no chance to clean up.",
              fields: [{ name: "reason", label: "Reason" }],
            }}
            run={({ reason = "" }) =>
              api.post("/workflows/:id/terminate", { params, body: { reason } })}
            done={reload}
          />
        </>
      )}
      <Action
        danger
        label="Reset"
        ask={{
          question:
            "Reset to an earlier event? Later progress is discarded; signals are reapplied.",
          fields: [{ name: "event", label: "Event number" }, {
            name: "reason",
            label: "Reason",
          }],
        }}
        run={({ event, reason }) =>
          api.post("/workflows/:id/reset", {
            params,
            body: { event: Number(event), run: run.run_id, ...reason ? { reason } : {} },
          })}
        done={({ run_id }) => go(`${to("workflows", run.pid)}?run=${run_id}`)}
      />
      <Export run={run} />
    </div>
  );
}

/** One run. */
export function RunView({ id }: { id: string }) {
  const runId = place.value.query.get("run") ?? undefined;
  const [read, setRead] = useState(() => ({
    key: `${id} ${runId ?? ""}`,
    load: reader(id, runId),
  }));
  const key = `${id} ${runId ?? ""}`;
  if (read.key !== key) setRead({ key, load: reader(id, runId) });
  const seen = useLoad(key, () => read.load(), 1000);
  return (
    <>
      <p class="crumbs">
        <Link to="/workflows">Workflows</Link>
      </p>
      <Shown from={seen}>
        {({ run, events }) => {
          const failure = run.failure as {
            kind?: string;
            message?: string;
            position?: string;
          } | undefined;
          return (
            <>
              <h1>
                {run.workflow_id} <State of={runState(run)} />
              </h1>
              <Actions run={run} reload={seen.reload} />
              <Blocked run={run} />
              {failure && (
                <section class="trouble">
                  <strong>{failure.kind || "Error"}</strong> {failure.message}
                  {failure.position && (
                    <>
                      at <code>{failure.position}</code>
                    </>
                  )}
                </section>
              )}
              <div class="cards">
                <section class="card">
                  <h2>Run</h2>
                  <Facts
                    of={[
                      ["Entry", <Link to={to("registry", run.entry)}>{run.entry}</Link>],
                      ["Started", moment(run.started)],
                      ["Closed", run.closed === undefined ? "" : moment(run.closed)],
                      [
                        run.closed === undefined ? "Running for" : "Duration",
                        span((run.closed ?? Date.now()) - run.started),
                      ],
                      ["Starts", run.held_until === undefined ? "" : moment(run.held_until)],
                      ["Attempt", run.attempt > 1 ? String(run.attempt) : ""],
                      [
                        "History",
                        `${run.history_length.toLocaleString()} events, ${bytes(run.history_size)}`,
                      ],
                      ["Temporal", run.page && <a href={run.page}>show in Temporal</a>],
                      [
                        "Parent",
                        run.parent_workflow_id && (
                          <Link to={to("workflows", run.parent_workflow_id)}>
                            {run.parent_workflow_id}
                          </Link>
                        ),
                      ],
                      ["Run id", <span class="mono">{run.run_id}</span>],
                      [
                        "All runs",
                        <Link to={`/workflows?id=${segment(run.workflow_id)}`}>show</Link>,
                      ],
                    ]}
                  />
                </section>
                <section class="card">
                  <h2>Input and result</h2>
                  <Value title="Input" of={run.input} />
                  {run.status === "completed" && <Value title="Result" of={run.result} />}
                  {run.memo && <Value title="Memo" of={run.memo} />}
                  {run.search_attributes && (
                    <Value title="Search attributes" of={run.search_attributes} />
                  )}
                </section>
              </div>
              <Pending run={run} />
              <section>
                <h2>Timeline</h2>
                {events.length < run.history_length && (
                  <p class="soft">
                    The newest {events.length.toLocaleString()} of{" "}
                    {run.history_length.toLocaleString()} events.
                  </p>
                )}
                <Timeline events={events} until={run.closed ?? Date.now()} />
              </section>
              <Events run={run} />
            </>
          );
        }}
      </Shown>
    </>
  );
}
