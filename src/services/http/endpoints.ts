import { defineKind } from "../../registry/kind.ts";

/** Read with the first entry of such a kind: a short script has none. */
const schemas = () => require("./schema.ts") as typeof import("./schema.ts");

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
  metaReferences: [server],
});

/** The files of a volume below one path of a server. */
export const httpStatic = defineKind({
  name: "http.static",
  schema: () => schemas().staticSchema(),
  references: [{ path: ["fs"], bareName: true, kinds: ["fs."] }],
  metaReferences: [server],
});

/** A method and a path that are served by a function. */
export const httpEndpoint = defineKind({
  name: "http.endpoint",
  schema: () => schemas().endpointSchema(),
  references: [{ path: ["func"], bareName: true, kinds: ["function.lua"] }],
  metaReferences: [{
    path: ["router"],
    bareName: true,
    kinds: ["http.router"],
    required: 'add "router: NAME" of an http.router entry to meta',
  }],
});
