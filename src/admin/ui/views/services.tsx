import { moment } from "../../../observe/measure.ts";
import { useChanges, useLoad } from "../live.ts";
import { Action, Empty, Link, Shown, State, Table } from "../parts.tsx";
import { api } from "../request.ts";
import { to } from "../router.ts";

/** Hosts, services and supervisors. */
export function ServicesView() {
  const services = useLoad("services", () => api.get("/services"));
  useChanges((change) => {
    if (change === undefined || change.type === "service") services.reload();
  });
  return (
    <>
      <h1>Services</h1>
      <Shown from={services}>
        {({ services: all }) =>
          all.length === 0
            ? (
              <Empty title="This application has no services">
                <p>
                  Add a <code>process.host</code>, and a <code>process.service</code>{" "}
                  that runs on it.
                </p>
              </Empty>
            )
            : (
              <Table
                caption="Services"
                rows={all}
                keyOf={({ id }) => id}
                columns={[
                  { title: "Service", cell: ({ id }) => <Link to={to("registry", id)}>{id}</Link> },
                  { title: "Kind", minor: true, cell: ({ kind }) => kind },
                  { title: "State", cell: ({ status }) => <State of={status} /> },
                  { title: "Restarts", number: true, cell: ({ restarts }) => restarts },
                  {
                    title: "Since",
                    minor: true,
                    cell: ({ changed }) => changed === undefined ? "" : moment(changed),
                  },
                  { title: "Details", cell: ({ details }) => details ?? "" },
                  {
                    title: "Actions",
                    cell: ({ id, status }) =>
                      status === "running"
                        ? (
                          <Action
                            danger
                            label="Stop"
                            ask={{
                              question: `Stop ${id}? The services that depend on it stop first.`,
                            }}
                            run={() => api.post("/services/:id/stop", { params: { id } })}
                            done={services.reload}
                          />
                        )
                        : (
                          <Action
                            label="Start"
                            run={() => api.post("/services/:id/start", { params: { id } })}
                            done={services.reload}
                          />
                        ),
                  },
                ]}
              />
            )}
      </Shown>
    </>
  );
}
