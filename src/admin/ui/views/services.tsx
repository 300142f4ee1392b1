import { moment } from "../../../observe/measure.ts";
import { useChanges, useLoad } from "../live.ts";
import { Action, Empty, Link, Shown, State, Table } from "../parts.tsx";
import { get, post, segment } from "../request.ts";
import { to } from "../router.ts";

interface Service {
  id: string;
  kind: string;
  status: string;
  desired: string;
  restarts: number;
  changed?: number;
  details?: string;
}

/** Hosts, services and supervisors. */
export function ServicesView() {
  const services = useLoad("services", () => get<{ services: Service[] }>("/services"));
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
                    title: "Act",
                    cell: ({ id, status }) =>
                      status === "running"
                        ? (
                          <Action
                            danger
                            label="Stop"
                            ask={{ question: `Stop ${id}, and before it all that needs it?` }}
                            run={() => post(`/services/${segment(id)}/stop`)}
                            done={services.reload}
                          />
                        )
                        : (
                          <Action
                            label="Start"
                            run={() => post(`/services/${segment(id)}/start`)}
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
