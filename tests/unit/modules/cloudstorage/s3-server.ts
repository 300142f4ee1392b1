import { createHash, createHmac } from "node:crypto";
import type { Entry } from "../../../../src/registry/entry.ts";
import { cleanAfterTest } from "../../../cleanup.ts";
import { entryOf } from "../../operations/services.ts";

/** The credentials that the server knows. */
export const credentials = {
  region: "eu-test-1",
  access_key_id: "AKTEST",
  secret_access_key: "s3cret/key+",
};

interface Stored {
  bytes: Buffer;
  headers: Record<string, string>;
}

/** A server that speaks S3 for one bucket, and checks every signature. */
export interface S3Server {
  url: string;
  objects: Map<string, Stored>;
  /** Uploads in parts that are neither made nor thrown away. */
  uploads: Map<string, Map<number, Buffer>>;
  /** `METHOD path?query` of every request. */
  requests: string[];
  /** Answers the next requests instead of the server. */
  instead: ((request: Request) => Response | Promise<Response> | undefined) | undefined;
  /** The entries `app:aws` and `app:bucket`. */
  entries(more?: Record<string, unknown>, aws?: Record<string, unknown>): Entry[];
}

const hmac = (key: string | Buffer, text: string) =>
  createHmac("sha256", key).update(text).digest();
const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");
const strict = (text: string) =>
  encodeURIComponent(text).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );

/** What the signature of a request must be, by the rules that AWS publishes for version 4. */
function signature(
  request: Request,
  url: URL,
  signedHeaders: string,
  date: string,
  scope: string,
): string {
  const query = [...url.searchParams].filter(([name]) => name !== "X-Amz-Signature")
    .map(([name, value]) => `${strict(name)}=${strict(value)}`).sort().join("&");
  const names = signedHeaders.split(";");
  const canonical = [
    request.method,
    url.pathname.split("/").map((part) => strict(decodeURIComponent(part))).join("/"),
    query,
    ...names.map((name) =>
      `${name}:${(request.headers.get(name) ?? "").trim().replace(/ +/g, " ")}`
    ),
    "",
    signedHeaders,
    request.headers.get("x-amz-content-sha256") ?? "UNSIGNED-PAYLOAD",
  ].join("\n");
  const text = ["AWS4-HMAC-SHA256", date, scope, sha256(canonical)].join("\n");
  const [day, region, service] = scope.split("/") as [string, string, string];
  const key = [day, region, service, "aws4_request"].reduce<string | Buffer>(
    hmac,
    `AWS4${credentials.secret_access_key}`,
  );
  return createHmac("sha256", key).update(text).digest("hex");
}

/** Why a request is refused; undefined when its signature is right. */
function unauthorized(request: Request, url: URL): string | undefined {
  const given = url.searchParams.has("X-Amz-Signature")
    ? {
      credential: url.searchParams.get("X-Amz-Credential")!,
      headers: url.searchParams.get("X-Amz-SignedHeaders")!,
      signature: url.searchParams.get("X-Amz-Signature")!,
      date: url.searchParams.get("X-Amz-Date")!,
    }
    : (() => {
      const [, credential, headers, value] =
        /^AWS4-HMAC-SHA256 Credential=(.*), SignedHeaders=(.*), Signature=(.*)$/
          .exec(request.headers.get("authorization") ?? "") ?? [];
      return {
        credential: credential ?? "",
        headers: headers ?? "",
        signature: value ?? "",
        date: request.headers.get("x-amz-date") ?? "",
      };
    })();
  const [id, ...scope] = given.credential.split("/");
  if (id !== credentials.access_key_id) return "InvalidAccessKeyId";
  if (scope[1] !== credentials.region || scope[2] !== "s3") return "AuthorizationHeaderMalformed";
  if (!given.headers.split(";").includes("host")) return "SignatureDoesNotMatch";
  const expected = signature(request, url, given.headers, given.date, scope.join("/"));
  return expected === given.signature ? undefined : "SignatureDoesNotMatch";
}

function failure(status: number, code: string, message = code): Response {
  const xml =
    `<?xml version="1.0"?><Error><Code>${code}</Code><Message>${message}</Message></Error>`;
  return new Response(xml, { status, headers: { "Content-Type": "application/xml" } });
}

const xml = (text: string) => new Response(`<?xml version="1.0"?>${text}`);
const tagOf = (bytes: Buffer) => `"${createHash("md5").update(bytes).digest("hex")}"`;
const urlText = (text: string) => strict(text).replaceAll("%2F", "/").replaceAll("%20", "+");
const plain = (text: string) =>
  text.replace(/&#(\d+);/g, (_, code) => String.fromCharCode(Number(code)));
const every = (text: string, name: string) =>
  [...text.matchAll(new RegExp(`<${name}>(.*?)</${name}>`, "gs"))].map((match) => plain(match[1]!));

function kept(request: Request): Record<string, string> {
  const names = ["content-type", "cache-control", "content-disposition", "content-encoding"];
  return Object.fromEntries(
    [...request.headers].filter(([name]) => names.includes(name) || name.startsWith("x-amz-meta-")),
  );
}

function list(server: S3Server, url: URL): Response {
  const parameter = (name: string) => url.searchParams.get(name) ?? "";
  const [prefix, delimiter] = [parameter("prefix"), parameter("delimiter")];
  const after = Buffer.from(parameter("continuation-token"), "base64").toString() ||
    parameter("start-after");
  const most = Number(parameter("max-keys") || 1000);
  const found = new Map<string, string>();
  for (const key of [...server.objects.keys()].sort()) {
    if (!key.startsWith(prefix)) continue;
    const end = delimiter === "" ? -1 : key.indexOf(delimiter, prefix.length);
    const name = end < 0 ? key : key.slice(0, end + delimiter.length);
    if (name <= after || found.has(name)) continue;
    const { bytes } = server.objects.get(key)!;
    found.set(
      name,
      end < 0
        ? `<Contents><Key>${
          urlText(key)
        }</Key><LastModified>2026-01-02T03:04:05.000Z</LastModified>` +
          `<ETag>&quot;${
            tagOf(bytes).slice(1, -1)
          }&quot;</ETag><Size>${bytes.length}</Size></Contents>`
        : `<CommonPrefixes><Prefix>${urlText(name)}</Prefix></CommonPrefixes>`,
    );
  }
  const page = [...found].slice(0, most);
  const more = found.size > most;
  const token = more
    ? `<NextContinuationToken>${
      Buffer.from(page.at(-1)![0]).toString("base64")
    }</NextContinuationToken>`
    : "";
  return xml(
    `<ListBucketResult><Prefix>${
      urlText(prefix)
    }</Prefix><IsTruncated>${more}</IsTruncated>${token}` +
      `${page.map(([, text]) => text).join("")}</ListBucketResult>`,
  );
}

async function post(server: S3Server, request: Request, url: URL, key: string): Promise<Response> {
  const body = await request.text();
  if (url.searchParams.has("delete")) {
    const digest = createHash("md5").update(body).digest("base64");
    if (request.headers.get("content-md5") !== digest) return failure(400, "BadDigest");
    const keys = every(body, "Key");
    const locked = keys.filter((name) => name.startsWith("locked"));
    for (const name of keys) if (!locked.includes(name)) server.objects.delete(name);
    const errors = locked.map((name) =>
      `<Error><Key>${name}</Key><Code>AccessDenied</Code><Message>it is locked</Message></Error>`
    );
    return xml(`<DeleteResult>${errors.join("")}</DeleteResult>`);
  }
  if (url.searchParams.has("uploads")) {
    const id = `upload-${server.requests.length}`;
    server.uploads.set(id, new Map());
    server.objects.set(`${id} `, { bytes: Buffer.alloc(0), headers: kept(request) });
    return xml(
      `<InitiateMultipartUploadResult><UploadId>${id}</UploadId></InitiateMultipartUploadResult>`,
    );
  }
  const id = url.searchParams.get("uploadId") ?? "";
  const parts = server.uploads.get(id);
  const headers = server.objects.get(`${id} `)?.headers;
  if (parts === undefined || headers === undefined) return failure(404, "NoSuchUpload");
  if (request.headers.get("if-none-match") === "*" && server.objects.has(key)) {
    return failure(412, "PreconditionFailed");
  }
  const tags = every(body, "ETag");
  const list = every(body, "PartNumber").map((number) => parts.get(Number(number)));
  const right = list.every((bytes, index) => bytes !== undefined && tagOf(bytes) === tags[index]);
  const small = list.slice(0, -1).some((bytes) => bytes!.length < 5 << 20);
  if (!right || list.length === 0) return failure(400, "InvalidPart");
  if (small) return failure(400, "EntityTooSmall");
  const bytes = Buffer.concat(list as Buffer[]);
  server.uploads.delete(id);
  server.objects.delete(`${id} `);
  server.objects.set(key, { bytes, headers });
  return xml(
    `<CompleteMultipartUploadResult><ETag>&quot;whole-${list.length}&quot;</ETag></CompleteMultipartUploadResult>`,
  );
}

async function put(server: S3Server, request: Request, url: URL, key: string): Promise<Response> {
  const bytes = Buffer.from(await request.arrayBuffer());
  const id = url.searchParams.get("uploadId");
  if (id !== null) {
    const parts = server.uploads.get(id);
    if (parts === undefined) return failure(404, "NoSuchUpload");
    parts.set(Number(url.searchParams.get("partNumber")), bytes);
  } else {
    if (request.headers.get("if-none-match") === "*" && server.objects.has(key)) {
      return failure(412, "PreconditionFailed", "it is there");
    }
    server.objects.set(key, { bytes, headers: kept(request) });
  }
  return new Response(null, { headers: { ETag: tagOf(bytes) } });
}

function get(request: Request, stored: Stored): Response {
  const { bytes } = stored;
  const headers = {
    ...stored.headers,
    ETag: tagOf(bytes),
    "Last-Modified": "Fri, 02 Jan 2026 03:04:05 GMT",
  };
  const body = (part: Buffer) => new Uint8Array(part);
  const [, first, last] = /^bytes=(\d+)-(\d*)$/.exec(request.headers.get("range") ?? "") ?? [];
  if (first === undefined) return new Response(body(bytes), { headers });
  if (Number(first) >= bytes.length) return failure(416, "InvalidRange");
  const end = Math.min(last === "" ? Infinity : Number(last), bytes.length - 1);
  const range = `bytes ${first}-${end}/${bytes.length}`;
  return new Response(body(bytes.subarray(Number(first), end + 1)), {
    status: 206,
    headers: { ...headers, "Content-Range": range },
  });
}

/** Starts a server; it ends after the test. */
export function serveS3(): S3Server {
  const bucket = "books";
  const listener = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    maxRequestBodySize: 1 << 30,
    idleTimeout: 0,
    async fetch(request) {
      const url = new URL(request.url);
      server.requests.push(`${request.method} ${url.pathname}${url.search}`);
      const special = await server.instead?.(request);
      if (special !== undefined) return special;
      const refused = unauthorized(request, url);
      if (refused !== undefined) return failure(403, refused);
      if (!url.pathname.startsWith(`/${bucket}/`)) return failure(404, "NoSuchBucket");
      const key = url.pathname.slice(bucket.length + 2).split("/").map(decodeURIComponent).join(
        "/",
      );
      if (request.method === "PUT") return await put(server, request, url, key);
      if (request.method === "POST") return await post(server, request, url, key);
      if (request.method === "DELETE") {
        const id = url.searchParams.get("uploadId") ?? "";
        server.objects.delete(`${id} `);
        return new Response(null, { status: server.uploads.delete(id) ? 204 : 404 });
      }
      if (key === "") return list(server, url);
      const stored = server.objects.get(key);
      return stored === undefined ? failure(404, "NoSuchKey", "no such key") : get(request, stored);
    },
  });
  cleanAfterTest(() => listener.stop(true));
  const url = listener.url.href.replace(/\/$/, "");
  const server: S3Server = {
    url,
    objects: new Map(),
    uploads: new Map(),
    requests: [],
    instead: undefined,
    entries: (more = {}, aws = {}) => [
      entryOf("app:aws", "config.aws", { ...credentials, ...aws }),
      entryOf("app:bucket", "cloudstorage.s3", {
        config: "app:aws",
        bucket,
        endpoint: url,
        ...more,
      }),
    ],
  };
  return server;
}
