import { defineService } from "../service.ts";
import { dockerSchema, nativeSchema } from "./schema.ts";

/** Runs programs of this machine. */
export const nativeExecutor = defineService({
  name: "exec.native",
  early: true,
  schema: nativeSchema,
  load: () => import("./native/service.ts").then(({ runNativeExecutor }) => runNativeExecutor),
});

/** Runs programs in containers of Docker. */
export const dockerExecutor = defineService({
  name: "exec.docker",
  early: true,
  schema: dockerSchema,
  load: () => import("./docker/service.ts").then(({ runDockerExecutor }) => runDockerExecutor),
});
