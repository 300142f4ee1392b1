import { AwsClient } from "aws4fetch";
import { WippyError } from "../../../vm/error.ts";

/** Where SQS is, and who asks. */
export interface SqsPlace {
  /** Without a path. */
  endpoint: string;
  region: string;
  accessKeyId: string;
  secretAccessKey: string;
  sessionToken: string | undefined;
}

const denied = new RegExp(
  "AccessDenied|InvalidClientTokenId|SignatureDoesNotMatch|UnrecognizedClient|ExpiredToken|" +
    "InvalidAccessKeyId|IncompleteSignature|InvalidSecurity",
);
const absent = /QueueDoesNotExist|NonExistentQueue/;
const busy = /Throttl|RequestThrottled|OverLimit|ServiceUnavailable|KmsThrottled/;

/** What SQS answers to a request that it refuses. */
function failureOf(status: number, type: string, message: string): WippyError {
  const text = `SQS: ${message || type || `status ${status}`}`;
  const details = { status, code: type };
  if (denied.test(type)) {
    return new WippyError("PermissionDenied", text, { retryable: false, details });
  }
  if (absent.test(type)) return new WippyError("NotFound", text, { retryable: false, details });
  if (status >= 500 || status === 429 || busy.test(type)) {
    return new WippyError("Unavailable", text, { retryable: true, details });
  }
  return new WippyError("Invalid", text, { retryable: false, details });
}

/** Asks SQS by its protocol of JSON, with signed requests. */
export class SqsClient {
  readonly #aws: AwsClient;
  readonly #url: string;

  constructor({ endpoint, region, accessKeyId, secretAccessKey, sessionToken }: SqsPlace) {
    this.#url = `${endpoint}/`;
    this.#aws = new AwsClient({
      accessKeyId,
      secretAccessKey,
      ...(sessionToken !== undefined && { sessionToken }),
      service: "sqs",
      region,
    });
  }

  /**
   * @param action as SQS calls it: `SendMessage`
   * @throws WippyError Unavailable (retryable), PermissionDenied, NotFound for an unknown queue, Invalid, Canceled
   */
  async ask<Answer>(action: string, input: object, signal?: AbortSignal): Promise<Answer> {
    let response: Response;
    let text: string;
    try {
      const request = await this.#aws.sign(this.#url, {
        method: "POST",
        headers: {
          "content-type": "application/x-amz-json-1.0",
          "x-amz-target": `AmazonSQS.${action}`,
        },
        body: JSON.stringify(input),
      });
      response = await fetch(request, { ...(signal && { signal }) });
      text = await response.text();
    } catch (error) {
      if (signal?.aborted) {
        throw new WippyError("Canceled", "operation canceled", { retryable: false });
      }
      const { message } = error as Error;
      throw new WippyError("Unavailable", `SQS: ${message}`, { retryable: true, cause: error });
    }
    let answer: Record<string, unknown>;
    try {
      answer = text === "" ? {} : JSON.parse(text) as Record<string, unknown>;
    } catch {
      // A proxy in between, or no SQS at all.
      throw failureOf(response.ok ? 502 : response.status, "", "the answer is not JSON");
    }
    if (response.ok) return answer as Answer;
    const type = String(answer["__type"] ?? "").replace(/^.*#/, "");
    throw failureOf(response.status, type, String(answer["message"] ?? answer["Message"] ?? ""));
  }
}
