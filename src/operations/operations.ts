import { contract } from "./contract/contract.ts";
import { env } from "./env/env.ts";
import { fs } from "./fs/fs.ts";
import { io } from "./io/io.ts";
import { json } from "./json/json.ts";
import type { Operation } from "./operation.ts";
import { os } from "./os/os.ts";
import { security } from "./security/security.ts";
import { time } from "./time/time.ts";
import { uuid } from "./uuid/uuid.ts";

/** Every host operation by name. Workflows record them, security checks them, docs list them. */
export const operations: ReadonlyMap<string, Operation> = new Map(
  [...contract, ...env, ...fs, ...io, ...json, ...os, ...security, ...time, ...uuid].map((
    operation,
  ) => [operation.name, operation]),
);
