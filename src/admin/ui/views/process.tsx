import { useState } from "preact/hooks";
import { bytes, moment, span } from "../../../observe/measure.ts";
import { type Change, useChanges, useLoad } from "../live.ts";
import { Action, Empty, Facts, Link, readValues, Shown, State } from "../parts.tsx";
import { api, segment } from "../request.ts";
import { to } from "../router.ts";
import { LogLines } from "./logs.tsx";

function Pids({ of }: { of: readonly string[] }) {
  return <>{of.map((pid) => <Link class="mono block" to={to("processes", pid)}>{pid}</Link>)}</>;
}

/** One running unit. */
export function ProcessView({ pid }: { pid: string }) {
  const params = { pid };
  const unit = useLoad(`unit ${pid}`, () => api.get("/units/:pid", { params }), 1000);
  const [events, setEvents] = useState<{ at: number; text: string }[]>([]);
  useChanges((change: Change | undefined) => {
    if (change?.type !== "unit" || change.data["path"] !== pid) return;
    const text = `${String(change.data["kind"])} ${JSON.stringify(change.data["data"] ?? {})}`;
    setEvents((before) => [...before.slice(-49), { at: Date.now(), text }]);
  });
  return (
    <>
      <p class="crumbs">
        <Link to="/processes">Processes</Link>
      </p>
      <h1 class="mono">{pid}</h1>
      {unit.error?.status === 404
        ? (
          <Empty title="This unit has ended">
            <p>
              <Link to="/processes">See running units</Link>, or{" "}
              <Link to={`/logs?unit=${segment(pid)}`}>its log</Link>.
            </p>
          </Empty>
        )
        : (
          <Shown from={unit}>
            {(found) => (
              <>
                <div class="actions">
                  <Action
                    label="Send"
                    ask={{
                      question: "Send a message:",
                      fields: [{ name: "topic", label: "Topic" }, {
                        name: "payload",
                        label: "Payload (JSON, or text)",
                      }],
                    }}
                    run={({ topic, payload = "" }) =>
                      api.post("/units/:pid/send", {
                        params,
                        body: { topic: topic ?? "", payloads: readValues(payload) },
                      })}
                  />
                  <Action
                    label="Cancel"
                    ask={{
                      question: "Ask this unit to end? It may clean up first.",
                      fields: [{
                        name: "reason",
                        label: "Reason",
                        value: "canceled by an operator",
                      }],
                    }}
                    run={({ reason }) =>
                      api.post("/units/:pid/cancel", { params, body: reason ? { reason } : {} })}
                    done={unit.reload}
                  />
                  <Action
                    danger
                    label="Terminate"
                    ask={{ question: "End this unit by force? Its state in memory is lost." }}
                    run={() => api.post("/units/:pid/terminate", { params })}
                    done={unit.reload}
                  />
                </div>
                <div class="cards">
                  <section class="card">
                    <h2>Unit</h2>
                    <Facts
                      of={[
                        ["State", <State of={found.state} />],
                        ["Entry", <Link to={to("registry", found.entry)}>{found.entry}</Link>],
                        ["Kind", found.supervises ? "supervisor" : found.kind],
                        ["Names", found.names.join(", ")],
                        ["Actor", found.actor],
                        [
                          "Started",
                          found.started === undefined
                            ? ""
                            : `${moment(found.started)} (${span(Date.now() - found.started)} ago)`,
                        ],
                      ]}
                    />
                  </section>
                  <section class="card">
                    <h2>Load</h2>
                    <Facts
                      of={[
                        ["Mailbox", found.mailbox.toLocaleString()],
                        ["Steps", found.steps.toLocaleString()],
                        ["Fuel", found.fuel.toLocaleString()],
                        [
                          "Memory",
                          found.memory === undefined
                            ? ""
                            : `${bytes(found.memory)}${found.memory_partial ? " or more" : ""}`,
                        ],
                      ]}
                    />
                  </section>
                  <section class="card">
                    <h2>Relations</h2>
                    <Facts
                      of={[
                        ["Parent", found.parent && <Pids of={[found.parent]} />],
                        ["Supervisor", found.supervisor && <Pids of={[found.supervisor]} />],
                        ["Links", found.link_count === 0 ? "none" : <Pids of={found.links} />],
                        ["Traps links", found.trap_links ? "yes" : "no"],
                        ["Monitored by", String(found.monitored_by)],
                        ["Monitors", String(found.monitoring)],
                      ]}
                    />
                  </section>
                </div>
              </>
            )}
          </Shown>
        )}
      {events.length > 0 && (
        <section>
          <h2>Events since you opened this page</h2>
          <ul class="bare">
            {events.map(({ at, text }) => (
              <li>
                <span class="soft">{moment(at)}</span> {text}
              </li>
            ))}
          </ul>
        </section>
      )}
      <section>
        <h2>Log</h2>
        <LogLines unit={pid} level="" text="" paused={false} />
      </section>
    </>
  );
}
