/** What the API says is wrong. */
export class ApiError extends Error {
  constructor(readonly status: number, readonly title: string, detail: string) {
    super(detail);
  }
}

type Query = Record<string, string | number | undefined>;

async function answer<Result>(response: Response): Promise<Result> {
  if (response.ok) return await response.json() as Result;
  if (response.status === 401) location.assign("/sign-in");
  const told = await response.json().catch(() => undefined) as
    | { title?: string; detail?: string }
    | undefined;
  const detail = told?.detail ?? `the runtime answered ${response.status}`;
  throw new ApiError(response.status, told?.title ?? "Error", detail);
}

/** Reads from the API. @throws ApiError */
export async function get<Result>(path: string, query: Query = {}): Promise<Result> {
  const pairs = Object.entries(query).filter(([, value]) => value !== undefined && value !== "")
    .map(([key, value]): [string, string] => [key, String(value)]);
  const search = new URLSearchParams(pairs).toString();
  const response = await fetch(`/api/v1${path}${search === "" ? "" : `?${search}`}`)
    .catch(() => {
      throw new ApiError(0, "Unavailable", "The runtime does not answer. Is it still running?");
    });
  return await answer(response);
}

/** Tells the API to do something. @throws ApiError */
export async function post<Result>(path: string, body: unknown = {}): Promise<Result> {
  const response = await fetch(`/api/v1${path}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  return await answer(response);
}

/** Has the API remove something. @throws ApiError */
export async function remove<Result>(path: string): Promise<Result> {
  return await answer(await fetch(`/api/v1${path}`, { method: "DELETE" }));
}

/** A part of a path that may hold anything. */
export const segment = encodeURIComponent;
