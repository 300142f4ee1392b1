import { type Entry, parseId, qualify } from "../entry.ts";
import { defineKind, required } from "../kind.ts";
import { lazy } from "../lazy.ts";
import { z } from "../schema.ts";

/** The name by which templates of a set refer to one of them. */
export function templateName(entry: Entry): string {
  const { name } = entry.meta;
  return typeof name === "string" && name !== "" ? name : parseId(entry.id).name;
}

/** The identifier of the set that a template belongs to. */
export function setOf(entry: Entry): string {
  return qualify(String(entry.data["set"]), parseId(entry.id).namespace);
}

const delimiter = (fallback: string) =>
  z.string().min(1, { error: "a delimiter must not be empty" }).default(fallback);

const engine = lazy(() =>
  z.object({
    /** Parse the templates for every rendering. */
    development_mode: z.boolean().default(false),
    delimiters: z.object({
      left: delimiter("{{"),
      right: delimiter("}}"),
      comment_left: delimiter("{*"),
      comment_right: delimiter("*}"),
    }).prefault({}).refine(({ left, right }) => left !== right, {
      error: "the left and the right delimiter must differ",
      params: { fix: 'write "delimiters: { left: "[[", right: "]]" }"' },
    }),
    extensions: z.array(
      z.string().startsWith(".", { error: "an extension begins with a dot" }),
    ).default([".jet", ".html.jet", ".jet.html"]),
    /** Variables of all templates. */
    globals: z.record(z.string(), z.unknown()).default({}),
  })
);

/** Templates that refer to one another, and what they share. */
export const templateSet = defineKind({
  name: "template.set",
  schema: () => z.object({ engine: engine().prefault({}) }),
});

/** One template of a set. */
export const templateJet = defineKind({
  name: "template.jet",
  references: [{ path: ["set"], bareName: true, kinds: ["template.set"] }],
  unique: (entry) => ({
    key: `${setOf(entry)} ${templateName(entry)}`,
    words: `template ${templateName(entry)} of the set ${setOf(entry)}`,
    fix: "give it another name",
  }),
  schema: () =>
    z.object({
      set: required("set", 'add "set: NAME" of a template.set entry'),
      source: required("source", 'add "source: file://page.jet", or the text itself'),
    }),
});
