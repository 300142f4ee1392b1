import { WippyError } from "../../vm/error.ts";
import { bytesOf, defineOperation, luaString, type Operation } from "../operation.ts";

/** Whole groups of four characters of the standard alphabet, the last one padded. */
const encoded = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** Host operations of the module `base64`. */
export const base64: Operation[] = [
  defineOperation({
    name: "base64.encode",
    summary: "Returns bytes in Base64, with the standard alphabet and padding.",
    mode: "pure",
    arguments: () => [luaString()],
    run: (_context, data) => Buffer.from(bytesOf(data)).toString("base64"),
  }),
  defineOperation({
    name: "base64.decode",
    summary: "Returns the bytes that Base64 stands for.",
    mode: "pure",
    arguments: () => [luaString()],
    run(_context, text) {
      // Line breaks inside the text are allowed, as in MIME.
      const compact = typeof text === "string" ? text.replaceAll(/[\r\n]/g, "") : undefined;
      if (compact === undefined || !encoded.test(compact)) {
        throw new WippyError("Invalid", "the text is not Base64 (standard alphabet, padded)", {
          retryable: false,
        });
      }
      return new Uint8Array(Buffer.from(compact, "base64"));
    },
  }),
];
