import { signal } from "@preact/signals";

/** Where the reader is: the path in parts, and the filters behind it. */
export interface Place {
  parts: string[];
  query: URLSearchParams;
}

function here(): Place {
  const parts = location.pathname.split("/").filter((part) => part !== "").map(decodeURIComponent);
  return { parts, query: new URLSearchParams(location.search) };
}

export const place = signal<Place>(here());

addEventListener("popstate", () => place.value = here());

/** Goes to another view of the page. */
export function go(address: string, replace = false): void {
  if (replace) history.replaceState(null, "", address);
  else history.pushState(null, "", address);
  place.value = here();
  if (!replace) scrollTo(0, 0);
}

/** Changes filters, which are kept in the address. An empty one is left out. */
export function setQuery(changes: Record<string, string | undefined>): void {
  const query = new URLSearchParams(location.search);
  for (const [key, value] of Object.entries(changes)) {
    if (value === undefined || value === "") query.delete(key);
    else query.set(key, value);
  }
  const search = query.toString();
  go(`${location.pathname}${search === "" ? "" : `?${search}`}`, true);
}

/** The address of a view. */
export function to(...parts: string[]): string {
  return `/${parts.map(encodeURIComponent).join("/")}`;
}
