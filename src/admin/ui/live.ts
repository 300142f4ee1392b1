import { signal } from "@preact/signals";
import { useEffect, useState } from "preact/hooks";
import { ApiError } from "./request.ts";

/** An event of the stream. */
export interface Change {
  type: "unit" | "service" | "registry" | "log";
  data: Record<string, unknown>;
}

/** Whether the stream of events is open. */
export const connected = signal<"yes" | "no" | "connecting">("connecting");

const listeners = new Set<(change: Change | undefined) => void>();
let source: EventSource | undefined;

function open(): void {
  source = new EventSource("/api/v1/events");
  source.onopen = () => connected.value = "yes";
  source.onerror = () => connected.value = "no";
  for (const type of ["unit", "service", "registry", "log"] as const) {
    source.addEventListener(type, ({ data }) => {
      const change = { type, data: JSON.parse(data as string) as Record<string, unknown> };
      for (const listener of listeners) listener(change);
    });
  }
  source.addEventListener("lost", () => {
    for (const listener of listeners) listener(undefined);
  });
}

/** Hears of changes as long as a view is there; undefined: some were lost, so everything may have changed. */
export function useChanges(listener: (change: Change | undefined) => void): void {
  useEffect(() => {
    if (!source) open();
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
