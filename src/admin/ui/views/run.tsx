import { useState } from "preact/hooks";
import type { ShownEvent } from "../../history.ts";
import type { RunDetail } from "../../../cli/workflow/workflow.ts";
import { bytes, moment, span } from "../../../observe/measure.ts";
import { useLoad } from "../live.ts";
import { Action, Choice, Facts, Link, readValues, Shown, State, Table, Value } from "../parts.tsx";
import { get, post, segment } from "../request.ts";
import { go, place, setQuery, to } from "../router.ts";
import { Timeline } from "./timeline.tsx";
import { runState } from "./workflows.tsx";

interface Seen {
  run: RunDetail;
  events: ShownEvent[];
}

/** Events that are read at most; the command line shows more. */
const mostEvents = 5000;
const perPage = 100;

/** Reads a run, and of its history what is new. */
function reader(id: string, runId: string | undefined): () => Promise<Seen> {
  const path = `/workflows/${segment(id)}`;
  let events: ShownEvent[] = [];
  return async () => {
    const run = await get<RunDetail>(path, { run: runId });
    while (events.length < Math.min(run.history_length, mostEvents)) {
      const page = await get<{ events: ShownEvent[] }>(`${path}/history`, {
        run: run.run_id,
        after: String(events.at(-1)?.id ?? 0),
        limit: 1000,
      });
      if (page.events.length === 0) break;
      events = [...events, ...page.events];
    }
    return { run, events };
  };
}

function Blocked({ run }: { run: RunDetail }) {
  if (!run.blocked) return null;
  const { message, expected, actual } = run.blocked;
  return (
    <section class="trouble" role="alert">
      <h2>Blocked: the code does not repeat its history</h2>
      <p>{message}</p>
      <Facts
        of={[
          ["History says", expected && <code>event {expected.eventId} {expected.event}</code>],
          ["The code does", actual && <code>{actual.command} at {actual.at}</code>],
        ]}
      />
      <p>
        Mend the code, or guard the change with{" "}
        <code>workflow.version</code>; then it goes on by itself.
      </p>
    </section>
  );
}

function Pending({ run }: { run: RunDetail }) {
  if (run.pending_activities.length === 0 && run.pending_timers.length === 0) return null;
  return (
    <section>
      <h2>Waits for</h2>
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

function Events({ events }: { events: readonly ShownEvent[] }) {
  const form = place.value.query.get("events") ?? "compact";
  const [page, setPage] = useState(0);
  const wanted = form === "full" ? events : events.filter(({ type }) => !ownSteps.has(type));
  const pages = Math.max(1, Math.ceil(wanted.length / perPage));
  const at = Math.min(page, pages - 1);
  const begin = events[0]?.time ?? 0;
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
      </div>
      <ol class="events">
        {wanted.slice(at * perPage, (at + 1) * perPage).map((event) => (
          <li key={event.id}>
            <details>
              <summary>
                <span class="soft number">{event.id}</span>{" "}
                <span class="soft">+{span(event.time - begin)}</span> <strong>{event.type}</strong>
                {" "}
                <span class="gist">
                  {["entry", "name", "message"].map((key) => event.data[key]).filter((value) =>
                    typeof value === "string"
                  ).join(" ")}
                </span>
              </summary>
              <pre tabIndex={0}>{JSON.stringify(event.data, undefined, 2)}</pre>
            </details>
          </li>
        ))}
      </ol>
      {pages > 1 && (
        <nav class="pager" aria-label="Pages of events">
          <button type="button" disabled={at === 0} onClick={() => setPage(at - 1)}>Back</button>
          <span>Page {at + 1} of {pages}</span>
          <button type="button" disabled={at + 1 >= pages} onClick={() => setPage(at + 1)}>
            More
          </button>
        </nav>
      )}
    </section>
  );
}

function Actions({ run, reload }: { run: RunDetail; reload(): void }) {
  const path = `/workflows/${segment(run.pid)}`;
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
              post(`${path}/signal`, { name, payloads: readValues(values) })}
            done={reload}
          />
          <Action
            label="Update"
            ask={{ question: "Send an update and wait for its outcome:", fields: [name, values] }}
            run={({ name, values = "" }) =>
              post(`${path}/update`, { name, args: readValues(values) })}
            done={reload}
          />
        </>
      )}
      <Action
        label="Query"
        ask={{
          question: "Ask this run; nothing is recorded:",
          fields: [{ ...name, value: "__stack_trace" }, values],
        }}
        run={({ name, values = "" }) =>
          post(`${path}/query`, { name, args: readValues(values), run: run.run_id })}
      />
      {run.blocked && <Action label="Retry now" run={() => post(`${path}/retry`)} done={reload} />}
      {open && (
        <>
          <Action
            label="Cancel"
            ask={{
              question: "Ask this run to end? It may clean up first.",
              fields: [{ name: "reason", label: "Reason" }],
            }}
            run={({ reason }) => post(`${path}/cancel`, { reason })}
            done={reload}
          />
          <Action
            danger
            label="Terminate"
            ask={{
              question: "Close this run at once? Its code sees nothing of it.",
              fields: [{ name: "reason", label: "Reason" }],
            }}
            run={({ reason }) => post(`${path}/terminate`, { reason })}
            done={reload}
          />
        </>
      )}
      <Action
        danger
        label="Reset"
        ask={{
          question:
            "Begin anew at an earlier event? What came later is undone; messages come again.",
          fields: [{ name: "event", label: "Number of the event" }, {
            name: "reason",
            label: "Reason",
          }],
        }}
        run={({ event, reason }) =>
          post<{ run_id: string }>(`${path}/reset`, {
            event: Number(event),
            run: run.run_id,
            reason,
          })}
        done={(answer) =>
          go(`${to("workflows", run.pid)}?run=${(answer as { run_id: string }).run_id}`)}
      />
      <a
        class="button"
        href={`/api/v1${path}/export?run=${run.run_id}`}
        download={`${run.workflow_id}.json`}
      >
        Export
      </a>
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
          const last = run.status === "running" ? undefined : events.at(-1);
          const failure = last?.data["failure"] as {
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
                      ["Took", span((run.closed ?? Date.now()) - run.started)],
                      ["Begins", run.held_until === undefined ? "" : moment(run.held_until)],
                      ["Attempt", run.attempt > 1 ? String(run.attempt) : ""],
                      ["History", `${run.history_length} events, ${bytes(run.history_size)}`],
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
                        "All its runs",
                        <Link to={`/workflows?id=${segment(run.workflow_id)}`}>show</Link>,
                      ],
                    ]}
                  />
                </section>
                <section class="card">
                  <h2>Input and result</h2>
                  <Value title="Input" of={events[0]?.data["args"] ?? []} />
                  {last && !failure && <Value title="Result" of={last.data["value"]} />}
                  {run.memo && <Value title="Memo" of={run.memo} />}
                  {run.search_attributes && (
                    <Value title="Search attributes" of={run.search_attributes} />
                  )}
                </section>
              </div>
              <Pending run={run} />
              <section>
                <h2>Timeline</h2>
                <Timeline events={events} until={run.closed ?? Date.now()} />
              </section>
              <Events events={events} />
            </>
          );
        }}
      </Shown>
    </>
  );
}
