import { readdir } from "node:fs/promises";
import type { Place } from "../../../operations/fs/volume.ts";

const escapes: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&#34;",
  "'": "&#39;",
};

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => escapes[character]!);
}

/** A page of links to what is in a directory, sorted by name. */
export async function listing(place: Place): Promise<string> {
  const items = await readdir(place.real, { withFileTypes: true });
  const names = items.map((item) => item.isDirectory() ? `${item.name}/` : item.name).sort();
  const lines = names.map((name) => {
    // A name with a colon would else be a scheme.
    const path = name.split("/").map(encodeURIComponent).join("/");
    const href = path.replaceAll("%3A", ":");
    return `<a href="${/^[^/]*:/.test(href) ? "./" : ""}${escaped(href)}">${escaped(name)}</a>\n`;
  });
  const head = '<!doctype html>\n<meta name="viewport" content="width=device-width">\n';
  return `${head}<pre>\n${lines.join("")}</pre>\n`;
}
