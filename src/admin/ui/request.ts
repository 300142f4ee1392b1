import { ApiClient, ApiError } from "../client.ts";

export { ApiError } from "../client.ts";

/** Where the page keeps the second secret of its session: only pages of this server can read it. */
const storageKey = "session";

/** Takes the secret from the address that signing in leads to, and out of the address. */
function takeSecret(): void {
  const secret = /^#session=([\w-]+)$/.exec(location.hash)?.[1];
  if (secret === undefined) return;
  localStorage.setItem(storageKey, secret);
  history.replaceState(null, "", location.pathname + location.search);
}
takeSecret();

/** Sends a request of this session. @throws ApiError when nothing answers */
export async function send(path: string, init: RequestInit = {}): Promise<Response> {
  const headers = new Headers(init.headers);
  headers.set("x-wippy-session", localStorage.getItem(storageKey) ?? "");
  const response = await fetch(path, { ...init, headers }).catch((error) => {
    if (init.signal?.aborted) throw error;
    throw new ApiError(0, "Unavailable", "The runtime does not answer. Is it still running?");
  });
  if (response.status === 401) location.assign("/sign-in");
  return response;
}

/** The admin API. */
export const api = new ApiClient(send);

/** Ends the session. */
export async function signOut(): Promise<void> {
  await send("/sign-out", { method: "POST" });
  localStorage.removeItem(storageKey);
  location.assign("/sign-in");
}

/** A part of a path that may hold anything. */
export const segment = encodeURIComponent;
