import type * as zod from "zod";
import { duration } from "../../registry/duration.ts";
import { required } from "../../registry/kind.ts";
import { lifecycle } from "../../registry/lifecycle.ts";
import { z } from "../../registry/schema.ts";

/** Of the payload of a `db.sql.sqlite`. */
export const sqliteSchema = () =>
  z.object({
    file: required("file", 'add "file: PATH", or ":memory:"'),
    /** Milliseconds that a call waits for a lock or for the writing connection. */
    busy_timeout: duration(5_000),
    lifecycle: lifecycle(),
  });

/** The payload of a `db.sql.sqlite`. */
export type SqliteSettings = zod.output<ReturnType<typeof sqliteSchema>>;
