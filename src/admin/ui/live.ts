import { signal } from "@preact/signals";
import { useEffect, useState } from "preact/hooks";
import { ApiError, send } from "./request.ts";

/** An event of the stream. */
export interface Change {
  type: "unit" | "service" | "registry" | "log";
  data: Record<string, unknown>;
}

/** Whether the stream of events is open. */
export const connected = signal<"yes" | "no" | "connecting">("connecting");

const listeners = new Set<(change: Change | undefined) => void>();
const kinds: ReadonlySet<string> = new Set(["unit", "service", "registry", "log"]);
/** How long after a broken stream a new one begins, in milliseconds. */
const retryAfter = 2000;
let started = false;

/** Reads the stream of events until it breaks. Not an `EventSource`, which cannot send the session's secret. */
async function follow(seen: { id?: string }): Promise<void> {
  const response = await send("/api/v1/events", {
    headers: seen.id === undefined ? {} : { "last-event-id": seen.id },
  });
  if (!response.ok || !response.body) return;
  connected.value = "yes";
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of chunksOf(response.body)) {
    const parts = (rest + decoder.decode(chunk, { stream: true })).split("\n\n");
    rest = parts.pop()!;
    for (const part of parts) take(part, seen);
  }
}

async function* chunksOf(body: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array> {
  const reader = body.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    yield value;
  }
}

/** One event as text: lines `name: value`. */
function take(text: string, seen: { id?: string }): void {
  const fields = new Map(
    text.split("\n").map((line): [string, string] => {
      const at = line.indexOf(": ");
      return [line.slice(0, at), line.slice(at + 2)];
    }),
  );
  const id = fields.get("id");
  if (id !== undefined) seen.id = id;
  const type = fields.get("event") ?? "";
  if (type === "lost") { for (const listener of listeners) listener(undefined); }
  if (!kinds.has(type)) return;
  const change = { type, data: JSON.parse(fields.get("data") ?? "{}") } as Change;
  for (const listener of listeners) listener(change);
}

async function open(): Promise<void> {
  const seen: { id?: string } = {};
  for (;;) {
    try {
      await follow(seen);
    } catch {
      // It broke; the state says so until there is a new one.
    }
    connected.value = "no";
    await new Promise((resolve) => setTimeout(resolve, retryAfter));
  }
}

/** Hears of changes as long as a view is there; undefined: some were lost, so everything may have changed. */
export function useChanges(listener: (change: Change | undefined) => void): void {
  useEffect(() => {
    if (!started) void open();
    started = true;
    listeners.add(listener);
    return () => listeners.delete(listener);
  });
}

/** What a view shows: its data, why there is none, and a way to read it again. */
export interface Loaded<Data> {
  data: Data | undefined;
  error: ApiError | undefined;
  reload(): void;
}

/**
 * Reads something now, again every so often while the page is looked at, and when `key` changes. What was read stays
 * until the next answer is there, so that nothing jumps.
 *
 * @param every milliseconds; 0: only once
 */
export function useLoad<Data>(key: string, load: () => Promise<Data>, every = 2000): Loaded<Data> {
  const [state, setState] = useState<{ key: string; data?: Data; error?: ApiError }>({ key });
  const [turn, setTurn] = useState(0);
  useEffect(() => {
    let over = false;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const again = () => {
      if (over || every === 0) return;
      timer = setTimeout(() => document.hidden ? again() : void read(), every);
    };
    const read = async () => {
      try {
        const data = await load();
        if (!over) setState({ key, data });
      } catch (error) {
        const told = error instanceof ApiError
          ? error
          : new ApiError(0, "Error", (error as Error).message);
        if (!over) setState((before) => ({ ...before, key, error: told }));
      }
      again();
    };
    void read();
    return () => {
      over = true;
      clearTimeout(timer);
    };
  }, [key, every, turn]);
  const fresh = state.key === key;
  return {
    data: fresh ? state.data : undefined,
    error: fresh ? state.error : undefined,
    reload: () => setTurn((before) => before + 1),
  };
}
