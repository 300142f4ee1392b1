/**
 * What views are made of.
 * @module
 */
import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import type { Loaded } from "./live.ts";
import { ApiError } from "./request.ts";
import { go } from "./router.ts";

/** A link to another view, without reloading the page. */
export function Link(
  props: { to: string; children: ComponentChildren; class?: string; current?: boolean },
) {
  return (
    <a
      href={props.to}
      class={props.class}
      aria-current={props.current ? "page" : undefined}
      onClick={(event) => {
        if (event.metaKey || event.ctrlKey || event.shiftKey || event.button !== 0) return;
        event.preventDefault();
        go(props.to);
      }}
    >
      {props.children}
    </a>
  );
}

const tones: Readonly<Record<string, string>> = {
  running: "good",
  completed: "calm",
  waiting: "calm",
  ready: "good",
  blocked: "bad",
  failed: "bad",
  error: "bad",
  timed_out: "bad",
  warn: "warn",
  warning: "warn",
  canceling: "warn",
  retry: "warn",
  starting: "warn",
  stopping: "warn",
};

/** A state as a word with a colour; the word alone is enough. */
export function State({ of }: { of: string }) {
  return <span class={`state ${tones[of] ?? "plain"}`}>{of.replaceAll("_", " ")}</span>;
}

/** Why there is nothing to see, and what to do next. */
export function Empty({ title, children }: { title: string; children?: ComponentChildren }) {
  return (
    <div class="empty">
      <p class="empty-title">{title}</p>
      {children}
    </div>
  );
}

/** An error in words. */
export function Trouble({ error }: { error: ApiError }) {
  return (
    <div class="trouble" role="alert">
      <strong>{error.title}</strong> {error.message}
    </div>
  );
}

/** Shows what was read, or why there is nothing yet. */
export function Shown<Data>(
  { from, children }: { from: Loaded<Data>; children: (data: Data) => ComponentChildren },
) {
  return (
    <>
      {from.error && <Trouble error={from.error} />}
      {from.data === undefined
        ? (from.error ? null : <p class="loading" aria-busy="true">Loading…</p>)
        : children(from.data)}
    </>
  );
}

/** A column of a table. */
export interface Column<Row> {
  title: string;
  /** Numbers stand at the right. */
  number?: boolean;
  /** Left out where there is little room. */
  minor?: boolean;
  cell(row: Row): ComponentChildren;
}

/** A table whose rows keep their order while they change. */
export function Table<Row>(
  { caption, columns, rows, keyOf }: {
    caption: string;
    columns: readonly Column<Row>[];
    rows: readonly Row[];
    keyOf(row: Row): string;
  },
) {
  const kind = ({ number, minor }: Column<Row>) =>
    `${number ? "number" : ""} ${minor ? "minor" : ""}`.trim() || undefined;
  return (
    <div class="scroll" role="region" aria-label={caption} tabIndex={0}>
      <table>
        <caption class="hidden">{caption}</caption>
        <thead>
          <tr>
            {columns.map((column) => <th scope="col" class={kind(column)}>{column.title}</th>)}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={keyOf(row)}>
              {columns.map((column) => <td class={kind(column)}>{column.cell(row)}</td>)}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** Goes through pages; the way back is remembered. */
export function Pager({ next, at, set }: {
  next: string | undefined;
  at: readonly string[];
  set(at: readonly string[]): void;
}) {
  if (next === undefined && at.length === 0) return null;
  return (
    <nav class="pager" aria-label="Pages">
      <button type="button" disabled={at.length === 0} onClick={() => set(at.slice(0, -1))}>
        Back
      </button>
      <span>Page {at.length + 1}</span>
      <button type="button" disabled={next === undefined} onClick={() => set([...at, next!])}>
        More
      </button>
    </nav>
  );
}

/** Names with values. */
export function Facts({ of }: { of: readonly (readonly [string, ComponentChildren])[] }) {
  return (
    <dl class="facts">
      {of.filter(([, value]) => value !== undefined && value !== "").map(([name, value]) => (
        <div>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

/** A value of Lua as text; long ones begin closed. */
export function Value({ title, of }: { title: string; of: unknown }) {
  const text = typeof of === "string" ? of : JSON.stringify(of, undefined, 2) ?? "nil";
  return (
    <details class="value" open={text.length < 2000}>
      <summary>{title}</summary>
      <pre tabIndex={0}>{text}</pre>
    </details>
  );
}

/** Something that a reader may do. Destructive actions ask for confirmation. */
export function Action<Result>({ label, ask, danger, run, done }: {
  label: string;
  /** A question, and with `field` something to type. */
  ask?: { question: string; fields?: readonly { name: string; label: string; value?: string }[] };
  danger?: boolean;
  run(fields: Record<string, string>): Promise<Result>;
  done?(result: Result): void;
}) {
  const dialog = useRef<HTMLDialogElement>(null);
  const [error, setError] = useState<ApiError>();
  const [busy, setBusy] = useState(false);
  const [result, setResult] = useState<string>();
  const act = async (fields: Record<string, string>) => {
    setBusy(true);
    setError(undefined);
    try {
      const answer = await run(fields);
      const shows = typeof answer === "object" && answer !== null && "value" in answer;
      if (shows) setResult(JSON.stringify(answer.value, undefined, 2));
      else dialog.current?.close();
      done?.(answer);
    } catch (caught) {
      setError(caught instanceof ApiError ? caught : new ApiError(0, "Error", String(caught)));
    } finally {
      setBusy(false);
    }
  };
  return (
    <>
      <button
        type="button"
        class={danger ? "danger" : undefined}
        disabled={busy}
        onClick={() => {
          setError(undefined);
          setResult(undefined);
          if (ask) dialog.current?.showModal();
          else void act({});
        }}
      >
        {label}
      </button>
      {!ask && error && <Trouble error={error} />}
      {ask && (
        <dialog ref={dialog} aria-label={label}>
          <form
            onSubmit={(event) => {
              event.preventDefault();
              const data = new FormData(event.currentTarget);
              void act(Object.fromEntries([...data].map(([key, value]) => [key, String(value)])));
            }}
          >
            <p>{ask.question}</p>
            {ask.fields?.map(({ name, label, value }) => (
              <label>
                {label}
                <input name={name} defaultValue={value ?? ""} autocomplete="off" />
              </label>
            ))}
            {error && <Trouble error={error} />}
            {result !== undefined && <pre tabIndex={0}>{result}</pre>}
            <div class="buttons">
              <button type="button" onClick={() => dialog.current?.close()}>Close</button>
              <button type="submit" class={danger ? "danger" : "main"} disabled={busy}>
                {label}
              </button>
            </div>
          </form>
        </dialog>
      )}
    </>
  );
}

/** Values for Lua code as they are typed: JSON values side by side, each on its own line or a single list. */
export function readValues(text: string): unknown[] {
  const trimmed = text.trim();
  if (trimmed === "") return [];
  const parse = (part: string): unknown => {
    try {
      return JSON.parse(part);
    } catch {
      return part;
    }
  };
  return trimmed.split("\n").map((line) => parse(line.trim()));
}

/** A field that filters, a moment after the last key. */
export function Filter({ label, value, set, placeholder }: {
  label: string;
  value: string;
  set(value: string): void;
  placeholder?: string;
}) {
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => {
    if (input.current && document.activeElement !== input.current) input.current.value = value;
  }, [value]);
  return (
    <label class="filter">
      {label}
      <input
        ref={input}
        type="search"
        defaultValue={value}
        placeholder={placeholder}
        onInput={(event) => {
          const text = event.currentTarget.value;
          clearTimeout(timer.current);
          timer.current = setTimeout(() => set(text), 250);
        }}
      />
    </label>
  );
}

/** One of several. */
export function Choice({ label, value, of, set }: {
  label: string;
  value: string;
  of: readonly (readonly [value: string, label: string])[];
  set(value: string): void;
}) {
  return (
    <label class="filter">
      {label}
      <select value={value} onChange={(event) => set(event.currentTarget.value)}>
        {of.map(([option, text]) => <option value={option}>{text}</option>)}
      </select>
    </label>
  );
}
