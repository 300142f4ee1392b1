import type { Payload as Packed } from "../../../payload.ts";
import { WippyError } from "../../../../vm/error.ts";
import { writeAttributes } from "../history/attributes.ts";

/** Makes a request with search attributes; where the server does not know them, it says how to add them. */
export async function knownAttributes<Value>(
  attributes: Packed | undefined,
  request: () => Promise<Value>,
): Promise<Value> {
  try {
    return await request();
  } catch (error) {
    const { kind, message } = WippyError.from(error);
    if (!attributes || kind !== "Invalid" || !/search attribute|no mapping/i.test(message)) {
      throw error;
    }
    const names = Object.entries(writeAttributes(attributes)).map(([name, { metadata }]) =>
      `${name}=${new TextDecoder().decode(metadata?.["type"])}`
    );
    throw new WippyError(
      "Invalid",
      `${message}; search attributes have to be added to the namespace first: ` +
        `temporal operator search-attribute create ${
          names.map((name) => `--name ${name.replace("=", " --type ")}`).join(" ")
        }`,
      { retryable: false, cause: error },
    );
  }
}
