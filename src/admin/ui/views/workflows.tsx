import { useState } from "preact/hooks";
import type { Got } from "../../client.ts";
import { moment, span } from "../../../observe/measure.ts";
import { useLoad } from "../live.ts";
import {
  Action,
  Choice,
  Empty,
  Filter,
  Link,
  Pager,
  readValues,
  Shown,
  State,
  Table,
} from "../parts.tsx";
import { api } from "../request.ts";
import { go, place, setQuery, to } from "../router.ts";

/** A run of a workflow. */
export type Run = Got<"/workflows">["runs"][number];

/** Typed, so that one that is added is not forgotten. */
const statuses: Record<Run["status"], string> = {
  running: "running",
  completed: "completed",
  failed: "failed",
  canceled: "canceled",
  terminated: "terminated",
  timed_out: "timed out",
  continued_as_new: "continued as new",
};

/** How long ago a run may have started, in milliseconds. */
const spans: Readonly<Record<string, number>> = {
  "15m": 900_000,
  "1h": 3_600_000,
  "24h": 86_400_000,
  "7d": 604_800_000,
};

/** The state of a run in one word. */
export function runState(run: Run): string {
  if (run.blocked) return "blocked";
  return run.cancel_requested && run.status === "running" ? "canceling" : run.status;
}

/** Runs of workflows. */
export function WorkflowsView() {
  const { query } = place.value;
  const status = query.get("status") ?? "";
  const id = query.get("id") ?? "";
  const entry = query.get("entry") ?? "";
  const since = query.get("since") ?? "";
  const [at, setAt] = useState<readonly string[]>([]);
  const after = at.at(-1);
  const page = useLoad(
    `runs ${status} ${id} ${entry} ${since} ${after ?? ""}`,
    () =>
      api.get("/workflows", {
        query: {
          status,
          prefix: id,
          started_from: spans[since] === undefined ? undefined : Date.now() - spans[since],
          entry,
          after,
          limit: 100,
        },
      }),
  );
  const filter = (changes: Record<string, string>) => {
    setAt([]);
    setQuery(changes);
  };
  return (
    <>
      <h1>Workflows</h1>
      <div class="filters">
        <Choice
          label="Status"
          value={status}
          of={[["", "All"], ...Object.entries(statuses)]}
          set={(value) => filter({ status: value })}
        />
        <Choice
          label="Started"
          value={since}
          of={[
            ["", "Any time"],
            ...Object.keys(spans).map((span) => [span, `Last ${span}`] as const),
          ]}
          set={(value) => filter({ since: value })}
        />
        <Filter
          label="Workflow id"
          value={id}
          placeholder="begins with"
          set={(value) => filter({ id: value })}
        />
        <Filter
          label="Entry"
          value={entry}
          placeholder="namespace:name"
          set={(value) => filter({ entry: value })}
        />
        <Action
          label="Start a workflow"
          ask={{
            question: "Start a workflow:",
            fields: [
              { name: "entry", label: "Entry (namespace:name)" },
              { name: "id", label: "Workflow id (default: generated)" },
              { name: "args", label: "Arguments, a JSON list", value: "[]" },
            ],
          }}
          run={({ entry, id: workflowId, args = "" }) => {
            const values = readValues(args);
            return api.post("/workflows", {
              body: {
                entry: entry ?? "",
                args: values.length === 1 && Array.isArray(values[0]) ? values[0] : values,
                options: workflowId ? { "workflow.id": workflowId } : {},
              },
            });
          }}
          done={({ pid, run_id }) => go(`${to("workflows", pid)}?run=${run_id}`)}
        />
      </div>
      <Shown from={page}>
        {({ runs, next }) =>
          runs.length === 0
            ? (
              <Empty
                title={status || id || entry
                  ? "No runs match these filters"
                  : "No workflows have run yet"}
              >
                <p>
                  Start one here, with <code>wippy workflow start</code>, or from Lua with{" "}
                  <code>workflow.execute</code>.
                </p>
              </Empty>
            )
            : (
              <>
                <Table
                  caption="Runs"
                  rows={runs}
                  keyOf={({ run_id }) => run_id}
                  columns={[
                    {
                      title: "Workflow id",
                      cell: (run) => (
                        <Link to={`${to("workflows", run.pid)}?run=${run.run_id}`}>
                          {run.workflow_id}
                        </Link>
                      ),
                    },
                    { title: "Entry", cell: ({ entry }) => entry },
                    { title: "State", cell: (run) => <State of={runState(run)} /> },
                    { title: "Started", minor: true, cell: ({ started }) => moment(started) },
                    {
                      title: "Duration",
                      number: true,
                      cell: ({ started, closed }) => span((closed ?? Date.now()) - started),
                    },
                    {
                      title: "Events",
                      number: true,
                      minor: true,
                      cell: ({ history_length }) => history_length,
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
