import { signal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { connected, useChanges } from "./live.ts";
import { Empty, Link } from "./parts.tsx";
import { signOut } from "./request.ts";
import { place } from "./router.ts";
import { FunctionsView } from "./views/functions.tsx";
import { LogsView } from "./views/logs.tsx";
import { Overview } from "./views/overview.tsx";
import { ProcessView } from "./views/process.tsx";
import { ProcessesView } from "./views/processes.tsx";
import { EntryView, RegistryView } from "./views/registry.tsx";
import { RunView } from "./views/run.tsx";
import { SchedulesView, ScheduleView } from "./views/schedules.tsx";
import { ServicesView } from "./views/services.tsx";
import { WorkflowsView } from "./views/workflows.tsx";

const views = [
  ["", "Overview"],
  ["functions", "Functions"],
  ["processes", "Processes"],
  ["services", "Services"],
  ["workflows", "Workflows"],
  ["schedules", "Schedules"],
  ["registry", "Registry"],
  ["logs", "Logs"],
] as const;

type Theme = "auto" | "light" | "dark";
const theme = signal<Theme>((localStorage.getItem("theme") as Theme | null) ?? "auto");

function applyTheme(chosen: Theme): void {
  theme.value = chosen;
  localStorage.setItem("theme", chosen);
  document.documentElement.dataset["theme"] = chosen;
}

function View({ parts }: { parts: string[] }) {
  const [view = "", id] = parts;
  switch (view) {
    case "":
      return <Overview />;
    case "functions":
      return <FunctionsView />;
    case "processes":
      return id === undefined ? <ProcessesView /> : <ProcessView pid={id} />;
    case "services":
      return <ServicesView />;
    case "workflows":
      return id === undefined ? <WorkflowsView /> : <RunView id={id} />;
    case "schedules":
      return id === undefined ? <SchedulesView /> : <ScheduleView id={id} />;
    case "registry":
      return id === undefined ? <RegistryView /> : <EntryView id={id} />;
    case "logs":
      return <LogsView />;
    default:
      return (
        <Empty title="Page not found">
          <Link to="/">Go to the overview</Link>
        </Empty>
      );
  }
}

const words = { yes: "live", no: "not connected", connecting: "connecting" };

/** The page: where one can go, and the view that is open. */
export function Shell() {
  const { parts } = place.value;
  const main = useRef<HTMLElement>(null);
  const at = parts.join("/");
  // Opens the stream of events, whatever the view.
  useChanges(() => {});
  useEffect(() => {
    const view = views.find(([name]) => name === (parts[0] ?? ""))?.[1] ?? "Not found";
    document.title = `${parts[1] ?? view} – wippy`;
  }, [at]);
  useEffect(() => applyTheme(theme.value), []);
  return (
    <>
      <a class="skip" href="#main" onClick={() => main.current?.focus()}>Skip to content</a>
      <header>
        <span class="brand">wippy</span>
        <nav aria-label="Views">
          {views.map(([name, label]) => (
            <Link to={`/${name}`} current={(parts[0] ?? "") === name}>{label}</Link>
          ))}
        </nav>
        <div class="corner">
          <span class={`connection ${connected.value}`} role="status">
            {words[connected.value]}
          </span>
          <label class="theme">
            <span class="hidden">Colours</span>
            <select
              value={theme.value}
              onChange={(event) => applyTheme(event.currentTarget.value as Theme)}
            >
              <option value="auto">System colours</option>
              <option value="light">Light</option>
              <option value="dark">Dark</option>
            </select>
          </label>
          <button type="button" onClick={() => void signOut()}>Sign out</button>
        </div>
      </header>
      <main id="main" ref={main} tabIndex={-1} key={at}>
        <View parts={parts} />
      </main>
    </>
  );
}
