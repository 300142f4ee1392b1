import type * as zod from "zod";
import { duration } from "../../registry/duration.ts";
import { limit } from "../../registry/kind.ts";
import { lifecycle } from "../../registry/lifecycle.ts";
import { z } from "../../registry/schema.ts";
import { payloadCodec } from "../payload-codec.ts";

/** Where a journal is unless the entry says otherwise: in the state folder of the runtime. */
export const defaultJournal = ".wippy/journal.db";

/** Of the payload. */
export const schema = () =>
  z.object({
    /** File of the journal, relative to the application's directory. */
    journal: z.string().min(1).default(defaultJournal),
    /** Milliseconds that a closed run is kept; absent: for ever. */
    retention: duration(undefined),
    /** Attempts of activities that run at once; absent or 0: no limit. */
    max_concurrent_activities: limit("max concurrent activities"),
    /** Events of its history at which a run is terminated; absent or 0: 51,200. */
    max_history_events: limit("max history events"),
    /** Bytes of its history at which a run is terminated; absent or 0: 50 MB. */
    max_history_bytes: limit("max history bytes"),
    /** Encrypts what runs hold, at rest. */
    payload_codec: payloadCodec().optional(),
    lifecycle: lifecycle(),
  });

/** The payload of a workflow.host. */
export type WorkflowHost = zod.output<ReturnType<typeof schema>>;
