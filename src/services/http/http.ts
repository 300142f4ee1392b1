import { defineKind } from "../../registry/kind.ts";
import { defineService } from "../service.ts";
import { endpointSchema, routerSchema, serviceSchema } from "./schema.ts";

/** A server that listens at an address. */
export const httpService = defineService({
  name: "http.service",
  schema: serviceSchema,
  load: () => import("./service.ts").then(({ runServer }) => runServer),
});

/** Endpoints of a server under one prefix, behind the same middleware. */
export const httpRouter = defineKind({
  name: "http.router",
  schema: routerSchema,
  metaReferences: [{
    path: ["server"],
    bareName: true,
    kinds: ["http.service"],
    required: 'add "server: NAME" of an http.service entry to meta',
  }],
});

/** A method and a path that are served by a function. */
export const httpEndpoint = defineKind({
  name: "http.endpoint",
  schema: endpointSchema,
  references: [{ path: ["func"], bareName: true, kinds: ["function.lua"] }],
  metaReferences: [{
    path: ["router"],
    bareName: true,
    kinds: ["http.router"],
    required: 'add "router: NAME" of an http.router entry to meta',
  }],
});
