import { useEffect, useState } from "preact/hooks";
import { moment } from "../../../observe/measure.ts";
import { useChanges } from "../live.ts";
import { Choice, Empty, Filter, State, Trouble } from "../parts.tsx";
import type { Got } from "../../client.ts";
import { api, ApiError } from "../request.ts";
import { place, setQuery } from "../router.ts";

type Line = Got<"/logs">["records"][number];

/** Lines that are shown. */
const most = 500;

/** The newest lines of the log that are wanted, live unless it is paused. */
export function LogLines({ level, text, unit, paused }: {
  level: string;
  text: string;
  unit: string;
  paused: boolean;
}) {
  const [lines, setLines] = useState<Line[]>();
  const [error, setError] = useState<ApiError>();
  const [turn, setTurn] = useState(0);
  useEffect(() => {
    setLines(undefined);
  }, [level, text, unit]);
  useEffect(() => {
    if (paused) return;
    let over = false;
    api.get("/logs", { query: { level, text, unit, limit: most } }).then(
      ({ records }) => {
        if (over) return;
        setError(undefined);
        setLines(records);
      },
      (caught) => setError(caught as ApiError),
    );
    return () => {
      over = true;
    };
  }, [level, text, unit, paused, turn]);
  useEffect(() => {
    const timer = setInterval(() => {
      if (!paused && changed) setTurn((before) => before + 1);
      changed = false;
    }, 500);
    return () => clearInterval(timer);
  }, [paused]);
  useChanges((change) => {
    if (change === undefined || change.type === "log") changed = true;
  });
  if (error) return <Trouble error={error} />;
  if (!lines) return <p class="loading" aria-busy="true">Reading…</p>;
  if (lines.length === 0) {
    return (
      <Empty title="No log records">
        <p>
          Lua code logs with the module <code>logger</code> and with <code>print</code>.
        </p>
      </Empty>
    );
  }
  return (
    <ol class="log" reversed>
      {lines.toReversed().map(({ id, time, level, logger, message, fields }) => (
        <li key={id}>
          <span class="soft">{moment(time)}</span> <State of={level} />{" "}
          <span class="soft">{logger}</span> <span class="message">{message}</span>{" "}
          {Object.keys(fields).length > 0 && <code class="soft">{JSON.stringify(fields)}</code>}
        </li>
      ))}
    </ol>
  );
}

/** Whether something was logged since the lines were last read. */
let changed = false;

/** The log. */
export function LogsView() {
  const { query } = place.value;
  const level = query.get("level") ?? "";
  const text = query.get("text") ?? "";
  const unit = query.get("unit") ?? "";
  const [paused, setPaused] = useState(false);
  return (
    <>
      <h1>Logs</h1>
      <div class="filters">
        <Choice
          label="Level"
          value={level}
          of={[["", "All"], ["info", "Info and above"], ["warn", "Warnings and errors"], [
            "error",
            "Errors",
          ]]}
          set={(value) => setQuery({ level: value })}
        />
        <Filter label="Text" value={text} set={(value) => setQuery({ text: value })} />
        <Filter
          label="Unit"
          value={unit}
          placeholder="PID, entry or logger"
          set={(value) => setQuery({ unit: value })}
        />
        <button type="button" aria-pressed={paused} onClick={() => setPaused(!paused)}>
          {paused ? "Resume" : "Pause"}
        </button>
      </div>
      <LogLines level={level} text={text} unit={unit} paused={paused} />
    </>
  );
}
