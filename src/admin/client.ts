/**
 * A client of the admin API. The paths, the requests and the answers have the types of the routes' own schemas; none of
 * the server's code is loaded for them.
 * @module
 */
import type { ExtractSchema } from "hono/types";
import type { Api } from "./admin.ts";

type Endpoints = ExtractSchema<Api>;
type Method = "get" | "post" | "delete";
type WithoutBase<Path> = Path extends `/api/v1${infer Rest}` ? Rest : never;

/** A path that a method can be sent to, such as `/workflows/:id`. */
export type ApiPath<M extends Method> = {
  [Path in keyof Endpoints]: `$${M}` extends keyof Endpoints[Path] ? WithoutBase<Path> : never;
}[keyof Endpoints];

type Endpoint<M extends Method, Path extends ApiPath<M>> = `/api/v1${Path}` extends
  infer Full extends keyof Endpoints
  ? `$${M}` extends infer Verb extends keyof Endpoints[Full] ? Endpoints[Full][Verb] : never
  : never;

type InputOf<E> = E extends { input: infer Input } ? Input : never;

/** What a method of a path answers. */
export type Answer<M extends Method, Path extends ApiPath<M>> = Endpoint<M, Path> extends infer E
  ? E extends { output: infer Output; status: 200 | 201 } ? Output : never
  : never;

/** An answer to GET. */
export type Got<Path extends ApiPath<"get">> = Answer<"get", Path>;

type Params<Input> = Input extends { param: infer Param }
  ? { params: { [Name in keyof Param]: string } }
  : unknown;
type Query<Input> = Input extends { query: infer Query }
  ? { query?: { [Name in keyof Query]?: string | number | undefined } }
  : unknown;
type Body<Input> = Input extends { json: infer Json } ? { body: Json } : unknown;

/** What a request needs: the parts of its path, and may need: its query and its body. */
export type ApiRequest<M extends Method, Path extends ApiPath<M>> =
  & Params<InputOf<Endpoint<M, Path>>>
  & Query<InputOf<Endpoint<M, Path>>>
  & Body<InputOf<Endpoint<M, Path>>>;

type Given<Request> = unknown extends Request ? []
  : Record<never, never> extends Request ? [request?: Request]
  : [request: Request];

/** Sends a request to the server. @param path with `/api/v1` */
export type Send = (path: string, init?: RequestInit) => Promise<Response>;

/** What the API says is wrong. */
export class ApiError extends Error {
  /**
   * @param status of HTTP; 0 when nothing answered
   * @param title the kind of the error
   */
  constructor(readonly status: number, readonly title: string, detail: string) {
    super(detail);
  }
}

interface AnyRequest {
  params?: Record<string, string>;
  query?: Record<string, string | number | undefined>;
  body?: unknown;
}

/** The path and the query of a request. */
export function addressOf(path: string, { params = {}, query = {} }: AnyRequest = {}): string {
  const filled = path.replaceAll(
    /:(\w+)/g,
    (_, name: string) => encodeURIComponent(params[name] ?? ""),
  );
  const pairs = Object.entries(query).filter(([, value]) => value !== undefined && value !== "")
    .map(([key, value]): [string, string] => [key, String(value)]);
  const search = new URLSearchParams(pairs).toString();
  return `/api/v1${filled}${search === "" ? "" : `?${search}`}`;
}

/** What an answer of the server holds. @throws ApiError what it says is wrong */
export async function answerOf(response: Response): Promise<unknown> {
  const text = await response.text();
  if (response.ok) return JSON.parse(text);
  let problem: { title?: string; detail?: string } = {};
  try {
    problem = JSON.parse(text) as { title?: string; detail?: string };
  } catch {
    // An answer that is not JSON is shown as it is.
  }
  const detail = problem.detail ?? (text || `the runtime answered with status ${response.status}`);
  throw new ApiError(response.status, problem.title ?? "Error", detail);
}

/** A client of the admin API. */
export class ApiClient {
  readonly #send: Send;
  readonly #write: (body: unknown) => string;

  /** @param write makes the JSON of bodies, for values that `JSON.stringify` does not know */
  constructor(send: Send, write: (body: unknown) => string = JSON.stringify) {
    this.#send = send;
    this.#write = write;
  }

  /**
   * Reads.
   *
   * @example await client.get("/workflows/:id", { params: { id: "order-1" } })
   * @throws ApiError what the API says is wrong
   */
  async get<Path extends ApiPath<"get">>(
    path: Path,
    ...[request]: Given<ApiRequest<"get", Path>>
  ): Promise<Answer<"get", Path>> {
    return await this.#ask("get", path, request) as Answer<"get", Path>;
  }

  /** Has something done. @throws ApiError what the API says is wrong */
  async post<Path extends ApiPath<"post">>(
    path: Path,
    ...[request]: Given<ApiRequest<"post", Path>>
  ): Promise<Answer<"post", Path>> {
    return await this.#ask("post", path, request) as Answer<"post", Path>;
  }

  /** Has something removed. @throws ApiError what the API says is wrong */
  async delete<Path extends ApiPath<"delete">>(
    path: Path,
    ...[request]: Given<ApiRequest<"delete", Path>>
  ): Promise<Answer<"delete", Path>> {
    return await this.#ask("delete", path, request) as Answer<"delete", Path>;
  }

  async #ask(method: Method, path: string, given: unknown): Promise<unknown> {
    const request = (given ?? {}) as AnyRequest;
    const response = await this.#send(addressOf(path, request), {
      method: method.toUpperCase(),
      ...(request.body !== undefined && {
        headers: { "content-type": "application/json" },
        body: this.#write(request.body),
      }),
    });
    return await answerOf(response);
  }
}
