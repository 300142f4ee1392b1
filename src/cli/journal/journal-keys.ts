import { Environment } from "../../app/environment.ts";
import { decodeEntry } from "../../registry/decode.ts";
import type { Entry } from "../../registry/entry.ts";
import { payloadKeys } from "../../services/payload-keys.ts";
import { workflowHost } from "../../services/workflow-host/workflow-host.ts";
import { WippyError } from "../../vm/error.ts";
import type { PayloadKeys } from "../../workflows/providers/providers.ts";
import { load } from "../run/load.ts";
import type { Console } from "../terminal/terminal.ts";

/** The keys of an application's workflow hosts; undefined when they encrypt nothing. @throws WippyError Invalid */
export function keysOfHosts(
  { directory, system }: Console,
  entries: readonly Entry[],
): PayloadKeys | undefined {
  const environment = new Environment(entries, { directory, system });
  const codecs = entries.filter(({ kind }) => kind === workflowHost.name)
    .flatMap((entry) =>
      payloadKeys(decodeEntry(workflowHost, entry, environment).payload_codec) ?? []
    );
  const [first] = codecs;
  if (!first) return undefined;
  return { keyId: first.keyId, keys: new Map(codecs.flatMap(({ keys }) => [...keys])) };
}

/**
 * Does work with a journal, with keys where it is encrypted.
 *
 * @param keysOf asked for only then; without any the error stays
 * @throws what the work throws
 */
export async function withKeys<Result>(
  work: (keys?: PayloadKeys) => Promise<Result>,
  keysOf: () => Promise<PayloadKeys | undefined>,
): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof WippyError) || error.details?.["encrypted"] !== true) throw error;
    const keys = await keysOf();
    if (!keys) throw error;
    return await work(keys);
  }
}

/** The keys of the workflow hosts of the application in the current directory, if there is one. */
export async function keysHere(console: Console): Promise<PayloadKeys | undefined> {
  const { entries } = await load(console, {});
  return keysOfHosts(console, entries);
}
