import { type Document, isScalar, type Scalar, visit } from "yaml";

const core = "tag:yaml.org,2002:";

/** A tag that does not fit its text. */
export interface TagFault {
  message: string;
  /** Where the text begins. */
  offset: number;
}

/** What a text is without quotes, as far as it is a number. */
function numberOf(text: string): number | undefined {
  const plain = text.replaceAll("_", "").replace(/^([-+]?)0(?=[0-7]+$)/, "$10o");
  const sign = plain.startsWith("-") ? -1 : 1;
  const value = Number(plain.replace(/^[-+]/, "") || "x");
  return Number.isNaN(value) ? undefined : sign * value;
}

/** Whether base64 text is whole; spaces and line breaks do not count. */
function isBase64(text: string): boolean {
  const bare = text.replace(/\s/g, "");
  return bare.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(bare);
}

/** Gives a scalar the value that its tag asks for. Returns whether it can have it. */
function obey(node: Scalar, source: string): boolean {
  const { value } = node;
  switch (node.tag?.slice(core.length)) {
    case "int":
      return typeof value === "bigint" || Number.isInteger(value);
    case "float": {
      if (typeof value === "number") return true;
      const found = numberOf(source);
      if (found !== undefined) node.value = found;
      return found !== undefined;
    }
    case "bool":
      return typeof value === "boolean";
    case "null":
      return value === null;
    case "binary":
      return isBase64(source);
    default:
      return true;
  }
}

/**
 * Makes the scalars of a document what their explicit tags say, which the library does only where their texts look like
 * it: `!!float 3` is a float.
 *
 * @returns those that cannot be that
 */
export function obeyTags(document: Document): TagFault[] {
  const faults: TagFault[] = [];
  visit(document, {
    Scalar(_, node) {
      if (!isScalar(node) || !node.tag?.startsWith(core)) return;
      const source = node.source ?? String(node.value);
      if (obey(node, source)) return;
      const message = `${JSON.stringify(source)} cannot be read as !!${
        node.tag.slice(core.length)
      }`;
      faults.push({ message, offset: node.range?.[0] ?? 0 });
    },
  });
  return faults;
}
