/**
 * Answers to updates, which travel as messages beside a task's commands.
 * @module
 */
import { temporal } from "../messages/messages.ts";
import { plain, readPlain } from "../names.ts";
import type { ProtocolMessage, TemporalFailure } from "../proto.ts";

const update = temporal.api.update.v1;

/** Marks the failure of an update that was rejected: the server does not say whether it was, or failed. */
export function asRejection(failure: TemporalFailure): TemporalFailure {
  const { applicationFailureInfo: info } = failure;
  const payloads = [...info?.details?.payloads ?? [], plain({ rejected: true })];
  return { ...failure, applicationFailureInfo: { ...info, details: { payloads } } };
}

export function isRejection(failure: TemporalFailure): boolean {
  const last = failure.applicationFailureInfo?.details?.payloads?.[1];
  return last !== undefined && readPlain<{ rejected?: boolean }>(last)?.rejected === true;
}

/** An update that a task brought, as the server knows it. */
export interface PendingUpdate {
  updateId: string;
  /** Id of the message that it came in. */
  messageId: string;
  protocolInstanceId: string;
  /** The event after which it came. */
  sequencingEventId: temporal.api.update.v1.Rejection["rejectedRequestSequencingEventId"];
  request: temporal.api.update.v1.IRequest;
}

/** Reads the update in a message of a task; undefined for another message. */
export function readUpdate(message: ProtocolMessage): PendingUpdate | undefined {
  const { body, eventId, id, protocolInstanceId } = message;
  if (!body?.type_url?.endsWith("update.v1.Request") || !body.value) return undefined;
  const request = update.Request.decode(body.value);
  return {
    updateId: request.meta?.updateId ?? protocolInstanceId ?? "",
    messageId: id ?? "",
    protocolInstanceId: protocolInstanceId ?? "",
    sequencingEventId: eventId ?? update.Rejection.create().rejectedRequestSequencingEventId,
    request,
  };
}

function message(
  protocolInstanceId: string,
  step: string,
  type: string,
  value: Uint8Array,
): ProtocolMessage {
  return {
    id: `${protocolInstanceId}/${step}`,
    protocolInstanceId,
    body: { type_url: `type.googleapis.com/temporal.api.update.v1.${type}`, value },
  };
}

export function acceptance(pending: PendingUpdate): ProtocolMessage {
  const { protocolInstanceId, messageId, sequencingEventId, request } = pending;
  return message(
    protocolInstanceId,
    "accept",
    "Acceptance",
    update.Acceptance.encode({
      acceptedRequestMessageId: messageId,
      acceptedRequestSequencingEventId: sequencingEventId,
      acceptedRequest: request,
    }).finish(),
  );
}

export function rejection(pending: PendingUpdate, failure: TemporalFailure): ProtocolMessage {
  const { protocolInstanceId, messageId, sequencingEventId, request } = pending;
  return message(
    protocolInstanceId,
    "reject",
    "Rejection",
    update.Rejection.encode({
      rejectedRequestMessageId: messageId,
      rejectedRequestSequencingEventId: sequencingEventId,
      rejectedRequest: request,
      failure,
    }).finish(),
  );
}

export function response(
  updateId: string,
  identity: string,
  outcome: temporal.api.update.v1.IOutcome,
): ProtocolMessage {
  const bytes = update.Response.encode({ meta: { updateId, identity }, outcome }).finish();
  return message(updateId, "complete", "Response", bytes);
}
