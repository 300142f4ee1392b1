import { useState } from "preact/hooks";
import { moment, span } from "../../../observe/measure.ts";
import { rulesOf } from "../../../observe/schedule-rules.ts";
import type { Got } from "../../client.ts";
import { useLoad } from "../live.ts";
import { Action, Empty, Facts, Link, Pager, Shown, State, Table, Value } from "../parts.tsx";
import { api } from "../request.ts";
import { go, to } from "../router.ts";

type Act = { id: string; paused: boolean; done(): void };

/** Pauses or unpauses a schedule. */
function Pausing({ id, paused, done }: Act) {
  return paused
    ? (
      <Action
        label="Unpause"
        run={() => api.post("/schedules/:id/unpause", { params: { id }, body: {} })}
        done={done}
      />
    )
    : (
      <Action
        label="Pause"
        ask={{
          question: `Pause ${id}? Scheduled times are skipped from now on.`,
          fields: [{ name: "note", label: "Note" }],
        }}
        run={({ note }) =>
          api.post("/schedules/:id/pause", { params: { id }, body: note ? { note } : {} })}
        done={done}
      />
    );
}

/** Schedules, which start workflows at certain times. */
export function SchedulesView() {
  const [at, setAt] = useState<readonly string[]>([]);
  const after = at.at(-1);
  const page = useLoad(
    `schedules ${after ?? ""}`,
    () => api.get("/schedules", { query: { after, limit: 100 } }),
  );
  return (
    <>
      <h1>Schedules</h1>
      <Shown from={page}>
        {({ schedules, next }) =>
          schedules.length === 0
            ? (
              <Empty title="No schedules">
                <p>
                  Create one with <code>wippy schedule create</code>, from Lua with{" "}
                  <code>schedule.create</code>, or declare a <code>workflow.schedule</code>.
                </p>
              </Empty>
            )
            : (
              <>
                <Table
                  caption="Schedules"
                  rows={schedules}
                  keyOf={({ host, id }) => `${host} ${id}`}
                  columns={[
                    {
                      title: "Schedule",
                      cell: ({ id }) => <Link to={to("schedules", id)}>{id}</Link>,
                    },
                    { title: "Workflow", cell: ({ workflow }) => workflow },
                    { title: "When", cell: ({ spec }) => rulesOf(spec) },
                    {
                      title: "State",
                      cell: ({ paused }) => <State of={paused ? "paused" : "active"} />,
                    },
                    {
                      title: "Next",
                      minor: true,
                      cell: ({ next }) => next === undefined ? "" : moment(next),
                    },
                    {
                      title: "Actions",
                      cell: ({ id, paused }) => (
                        <Pausing id={id} paused={paused} done={page.reload} />
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

function Runs({ title, of }: { title: string; of: Got<"/schedules/:id">["recent"] }) {
  if (of.length === 0) return null;
  return (
    <>
      <h2>{title}</h2>
      <Table
        caption={title}
        rows={of}
        keyOf={({ run_id }) => run_id}
        columns={[
          {
            title: "Workflow id",
            cell: ({ pid, workflow_id }) => <Link to={to("workflows", pid)}>{workflow_id}</Link>,
          },
          { title: "Scheduled", cell: ({ scheduled }) => moment(scheduled) },
          { title: "Started", minor: true, cell: ({ started }) => moment(started) },
        ]}
      />
    </>
  );
}

/** One schedule: what it starts, has started and is going to start. */
export function ScheduleView({ id }: { id: string }) {
  const found = useLoad(
    `schedule ${id}`,
    () => api.get("/schedules/:id", { params: { id } }),
  );
  return (
    <Shown from={found}>
      {(schedule) => {
        const { action, policies, counts, paused } = schedule;
        const own = schedule.declared_by === undefined;
        return (
          <>
            <h1>
              {id} <State of={paused ? "paused" : "active"} />
            </h1>
            <div class="actions">
              <Pausing id={id} paused={paused} done={found.reload} />
              <Action
                label="Trigger"
                ask={{ question: `Start a run of ${schedule.workflow} now?` }}
                run={() => api.post("/schedules/:id/trigger", { params: { id }, body: {} })}
                done={found.reload}
              />
              <Action
                label="Backfill"
                ask={{
                  question: "Act on the scheduled times of a past period:",
                  fields: [
                    { name: "from", label: "From, such as 2026-11-25T10:00:00Z" },
                    { name: "to", label: "To (default: now)" },
                  ],
                }}
                run={({ from, to: until }) =>
                  api.post("/schedules/:id/backfill", {
                    params: { id },
                    body: { ranges: [{ from: from ?? "", ...until ? { to: until } : {} }] },
                  })}
                done={found.reload}
              />
              {own && (
                <Action
                  danger
                  label="Delete"
                  ask={{ question: `Delete the schedule ${id}? Its runs continue.` }}
                  run={() => api.delete("/schedules/:id", { params: { id } })}
                  done={() => go(to("schedules"))}
                />
              )}
            </div>
            <Facts
              of={[
                [
                  "Workflow",
                  <Link to={to("registry", schedule.workflow)}>{schedule.workflow}</Link>,
                ],
                ["Host", schedule.host],
                ["When", rulesOf(schedule.spec)],
                ["Overlap", String(policies["overlap"])],
                ["Catch-up window", span(Number(policies["catchup_window"]))],
                ["Pause on failure", policies["pause_on_failure"] ? "yes" : undefined],
                ["Note", schedule.note],
                ["Remaining", schedule.remaining_actions],
                [
                  "Declared by",
                  schedule.declared_by && (
                    <Link to={to("registry", schedule.declared_by)}>{schedule.declared_by}</Link>
                  ),
                ],
                ["Next", schedule.next === undefined ? undefined : moment(schedule.next)],
                ["Started", counts.actions],
                ["Skipped", counts.overlap_skipped],
                ["Missed", counts.missed_catchup_window],
                ["Dropped", counts.buffer_dropped],
                ["Waiting", schedule.buffered],
                ["Running", schedule.running_count],
                ["Created", moment(schedule.created)],
                ["Updated", moment(schedule.updated)],
              ]}
            />
            <Value title="Action" of={action} />
            <Value title="Spec" of={schedule.spec} />
            <Runs title="Running" of={schedule.running} />
            <Runs title="Recent" of={schedule.recent} />
          </>
        );
      }}
    </Shown>
  );
}
