import { type Entry, parseId, qualify } from "../../registry/entry.ts";
import { defineKind } from "../../registry/kind.ts";

/** Read with the first entry of such a kind: a short script has none. */
const schemas = () => require("./schema.ts") as typeof import("./schema.ts");

/** The id in a field of the metadata, and a text of the payload, which both are checked elsewhere. */
function placeOf({ id, meta, data }: Entry, owner: string, field: string): [string, string] {
  const text = (value: unknown) => typeof value === "string" ? value : "";
  return [qualify(text(meta[owner]), parseId(id).namespace), text(data[field])];
}

const server = {
  path: ["server"],
  bareName: true,
  kinds: ["http.service"],
  required: 'add "server: NAME" of an http.service entry to meta',
};

/** Endpoints of a server under one prefix, behind the same middleware. */
export const httpRouter = defineKind({
  name: "http.router",
  schema: () => schemas().routerSchema(),
  unique(entry) {
    const [owner, prefix] = placeOf(entry, "server", "prefix");
    const key = `${owner} ${prefix.replace(/\/$/, "")}`;
    const words = `a router of ${owner} with the prefix "${prefix}"`;
    return { key, words, fix: "give it another prefix, or add its endpoints to the other" };
  },
  metaReferences: [server],
});

/** The files of a volume below one path of a server. */
export const httpStatic = defineKind({
  name: "http.static",
  schema: () => schemas().staticSchema(),
  unique(entry) {
    const [owner, path] = placeOf(entry, "server", "path");
    const key = `${owner} ${path.replace(/\/+$/, "")}`;
    return { key, words: `a folder of ${owner} at ${path}`, fix: "give it another path" };
  },
  references: [{ path: ["fs"], bareName: true, kinds: ["fs."] }],
  metaReferences: [server],
});

/** A method and a path that are served by a function. */
export const httpEndpoint = defineKind({
  name: "http.endpoint",
  schema: () => schemas().endpointSchema(),
  conflicts: (entries) =>
    (require("./overlaps.ts") as typeof import("./overlaps.ts")).overlaps(entries),
  references: [{ path: ["func"], bareName: true, kinds: ["function.lua"] }],
  metaReferences: [{
    path: ["router"],
    bareName: true,
    kinds: ["http.router"],
    required: 'add "router: NAME" of an http.router entry to meta',
  }],
});
