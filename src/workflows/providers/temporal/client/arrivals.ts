import { WippyError } from "../../../../vm/error.ts";
import type { Destination } from "../../../moving/moving.ts";
import { connect } from "../connection/connection.ts";
import type { ConnectionSettings } from "../connection/settings.ts";
import type { Conversion } from "../conversion.ts";
import { infoOf } from "../names.ts";
import { milliseconds } from "../proto.ts";
import type { ClientContext } from "./client.ts";
import { visibilityText } from "./descriptions.ts";
import { knownAttributes } from "./search-attributes.ts";
import { alreadyStarted, startMessage } from "./starts.ts";

/** How runs are written that arrive at a server. */
export interface ArrivalSettings extends Pick<ClientContext, "node" | "queueOf"> {
  connection: ConnectionSettings;
  conversion: Conversion;
  addSearchAttributes: boolean;
}

/** A namespace that runs of a journal are moved to. @throws WippyError as `connect` */
export async function arrivals(
  { connection: settings, ...rest }: ArrivalSettings,
): Promise<Destination & { close(): void }> {
  const connection = await connect(settings);
  const context: ClientContext = {
    ...rest,
    connection,
    hostOf: (queue) => queue,
    uuid: () => crypto.randomUUID(),
    note: () => {},
  };
  /** Whether a chain of runs began in place of the given one. */
  const isOf = async (workflowId: string, firstRunId: string, movedFrom: string) => {
    const { history } = await connection.rpc("getWorkflowExecutionHistory", {
      execution: { workflowId, runId: firstRunId },
      maximumPageSize: 1,
    });
    const started = history?.events?.[0]?.workflowExecutionStartedEventAttributes;
    return infoOf(started?.header).moved === movedFrom;
  };
  const find = async (workflowId: string, movedFrom: string) => {
    const described = await orAbsent(
      connection.rpc("describeWorkflowExecution", { execution: { workflowId } }),
    );
    if (!described) return "absent";
    const { firstRunId, execution } = described.workflowExecutionInfo ?? {};
    const newest = firstRunId || execution?.runId || "";
    // The first run of a long chain may be gone while the chain goes on.
    if (await orAbsent(isOf(workflowId, newest, movedFrom))) return "moved";
    const query = `WorkflowId = ${visibilityText(workflowId)}`;
    const { executions } = await connection.rpc("listWorkflowExecutions", { query });
    for (const { execution } of executions) {
      if (await orAbsent(isOf(workflowId, execution?.runId ?? "", movedFrom))) return "moved";
    }
    return "other";
  };
  return {
    name: `Temporal at ${settings.address}, namespace ${settings.namespace}`,
    async retention() {
      const { config } = await connection.rpc("describeNamespace", {
        namespace: settings.namespace,
      });
      return milliseconds(config?.workflowExecutionRetentionTtl) ?? Infinity;
    },
    find,
    async start(request, movedFrom) {
      const { messages = [], searchAttributes, workflowId } = request;
      return await knownAttributes(context, searchAttributes, async () => {
        const options = {
          ...request.options,
          idReusePolicy: "reject_duplicate" as const,
          idConflictPolicy: "fail" as const,
        };
        const message = startMessage(context, { ...request, options }, workflowId, messages, {
          moved: movedFrom,
        });
        try {
          const { runId } = await connection.rpc("startWorkflowExecution", {
            ...message,
            requestId: movedFrom,
          });
          return runId;
        } catch (error) {
          if (WippyError.from(error).kind !== "AlreadyExists") throw error;
          if (await find(workflowId, movedFrom) === "moved") return "";
          throw alreadyStarted(workflowId, "");
        }
      });
    },
    close: () => connection.close(),
  };
}

/** What the server answers; undefined where it knows nothing of it. */
async function orAbsent<Answer>(answer: Promise<Answer>): Promise<Answer | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (WippyError.from(error).kind === "NotFound") return undefined;
    throw error;
  }
}
