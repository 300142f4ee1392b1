import { decodeEntry } from "../../../registry/decode.ts";
import { awsConfig } from "../../../registry/kinds/aws.ts";
import { WippyError } from "../../../vm/error.ts";
import { asLua } from "../../../vm/value.ts";
import type { ServiceContext } from "../../context.ts";
import { DriverService } from "../driver-service.ts";
import type { SqsDriverSettings } from "../schema.ts";
import { SqsClient } from "./client.ts";
import { SqsDriver } from "./sqs.ts";

/** Where SQS is in a region. */
export function endpointOf(
  region: string,
  { use_fips, use_dual_stack }: Pick<SqsDriverSettings, "use_fips" | "use_dual_stack">,
): string {
  const china = region.startsWith("cn-");
  const domain = use_dual_stack
    ? china ? "api.amazonwebservices.com.cn" : "api.aws"
    : china
    ? "amazonaws.com.cn"
    : "amazonaws.com";
  return `https://${use_fips ? "sqs-fips" : "sqs"}.${region}.${domain}`;
}

/** Queues of SQS as a service. It has no connection: each queue asks for itself. */
export function runSqsDriver(
  { entries, variables, platform, log }: ServiceContext,
  settings: SqsDriverSettings,
): DriverService {
  const entry = entries.get(settings.config);
  if (!entry) {
    throw new WippyError("NotFound", `there is no entry ${settings.config}`, { retryable: false });
  }
  const aws = decodeEntry(awsConfig, entry, variables);
  const endpoint = settings.endpoint ?? endpointOf(aws.region, settings);
  const client = new SqsClient({
    endpoint: endpoint.replace(/\/+$/, ""),
    region: aws.region,
    accessKeyId: aws.access_key_id,
    secretAccessKey: aws.secret_access_key,
    sessionToken: aws.session_token,
  });
  return new DriverService(new SqsDriver({ client, platform, settings, log }), {
    open() {},
    close() {},
    inspect: () => asLua({ endpoint, region: aws.region }),
  });
}
