/**
 * What the presets of policies allow. The patterns take linear time.
 * @module
 */

/** An attribute that is allowed where its value matches. */
export interface AttributeRule {
  names: readonly string[];
  /** Undefined: on all elements. */
  elements: readonly string[] | undefined;
  /** Undefined: every value. */
  matches?: (value: string) => boolean;
}

/** What a preset adds to a policy. */
export interface Preset {
  elements?: readonly string[];
  attributes?: readonly AttributeRule[];
  /** Presets that it includes. */
  includes?: readonly PresetName[];
}

export type PresetName = "standard_attributes" | "images" | "lists" | "tables" | "ugc";

const by = (pattern: RegExp) => (value: string) => pattern.test(value);

const cellAlign = by(/^(?:center|justify|left|right|char)$/i);
const cellVerticalAlign = by(/^(?:baseline|bottom|middle|top)$/i);
const direction = by(/^(?:rtl|ltr)$/i);
const imageAlign = by(
  /^(?:left|right|top|texttop|middle|absmiddle|baseline|bottom|absbottom)$/i,
);
const integer = by(/^[0-9]+$/);
const time = by(
  new RegExp(
    "^[0-9]{4}(?:-[0-9]{2}(?:-[0-9]{2}(?:[ T][0-9]{2}(?::[0-9]{2}){1,2}(?:.[0-9]{1,6})?Z?" +
      "(?:[+-][0-9]{2}:[0-9]{2})?)?)?)?$",
  ),
);
const listType = by(/^(?:circle|disc|square|a|i|1)$/i);
const tokens = by(/^[\s\p{L}\p{N}_-]+$/u);
const number = by(/^[+-]?[0-9]*\.?[0-9]+(?:[eE][-+]?[0-9]+)?$/);
const numberOrPercent = by(/^[0-9]+%?$/);
const paragraph = by(/^[\p{L}\p{N}\s\-_',[\]!./\\()]*$/u);

function on(
  elements: string,
  names: string,
  matches?: (value: string) => boolean,
): AttributeRule {
  return {
    elements: elements.split(" "),
    names: names.split(" "),
    ...(matches && { matches }),
  };
}

function everywhere(names: string, matches: (value: string) => boolean): AttributeRule {
  return { elements: undefined, names: names.split(" "), matches };
}

export const presets: Readonly<Record<PresetName, Preset>> = {
  standard_attributes: {
    attributes: [
      everywhere("dir", direction),
      everywhere("lang", by(/^[a-zA-Z]{2,20}(?:-[a-zA-Z0-9]{1,8})*$/)),
      everywhere("id", by(/^[a-zA-Z0-9:\-_.]+$/)),
      everywhere("title", paragraph),
    ],
  },
  images: {
    attributes: [
      on("img", "align", imageAlign),
      on("img", "alt", paragraph),
      on("img", "height width", numberOrPercent),
      on("img", "src"),
    ],
  },
  lists: {
    elements: ["dl", "dt", "dd"],
    attributes: [on("ol ul li", "type", listType), on("li", "value", integer)],
  },
  tables: {
    elements: ["caption"],
    attributes: [
      on("table", "height width", numberOrPercent),
      on("table", "summary", paragraph),
      on("col colgroup", "align", cellAlign),
      on("col colgroup", "height width", numberOrPercent),
      on("col colgroup", "span", integer),
      on("col colgroup", "valign", cellVerticalAlign),
      on("thead tr tbody tfoot", "align", cellAlign),
      on("thead tr tbody tfoot", "valign", cellVerticalAlign),
      on("td th", "abbr", paragraph),
      on("td th", "align", cellAlign),
      on("td th", "colspan rowspan", integer),
      on("td th", "headers", tokens),
      on("td th", "height width", numberOrPercent),
      on("td th", "scope", by(/^(?:row|col)(?:group)?$/i)),
      on("td th", "valign", cellVerticalAlign),
      on("td th", "nowrap", by(/^(?:nowrap)?$/i)),
    ],
  },
  ugc: {
    includes: ["standard_attributes", "images", "lists", "tables"],
    elements:
      ("article aside figure section summary h1 h2 h3 h4 h5 h6 hgroup br div hr p span wbr " +
        "abbr acronym cite code dfn em figcaption mark kbd s samp strong sub sup var b i pre small " +
        "strike tt u rp rt ruby").split(" "),
    attributes: [
      on("details", "open", by(/^(?:open)?$/i)),
      on("blockquote", "cite"),
      on("a", "href"),
      on("map", "name", by(/^[\p{L}\p{N}_-]+$/u)),
      on("area", "alt", paragraph),
      on("area", "coords", by(/^(?:[0-9]+,)+[0-9]+$/)),
      on("area", "href"),
      on("area", "rel", tokens),
      on("area", "shape", by(/^(?:default|circle|rect|poly)$/i)),
      on("img", "usemap", by(/^#[\p{L}\p{N}_-]+$/u)),
      on("q", "cite"),
      on("time", "datetime", time),
      on("bdi bdo", "dir", direction),
      on("meter", "value min max low high optimum", number),
      on("progress", "value max", number),
      on("del ins", "cite", paragraph),
      on("del ins", "datetime", time),
    ],
  },
};
