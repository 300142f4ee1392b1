/**
 * What an executable contains, as a CycloneDX document.
 * @module
 */
import manifest from "../package.json" with { type: "json" };
import type { Work } from "../scripts/licenses.ts";

/**
 * Returns the bill of materials of a release, in CycloneDX 1.6. It has no serial number, so that the same release has
 * the same document.
 *
 * @param works what the executable contains besides its own code
 * @param time of the release, in seconds since 1970
 */
export function billOfMaterials(works: readonly Work[], commit: string, time: number): string {
  const own = `pkg:generic/wippy@${manifest.version}`;
  const components = works.map(({ name, version, license }) => ({
    type: name === "bun" ? "platform" : "library",
    "bom-ref": reference(name, version),
    ...(name.startsWith("@") ? { group: name.split("/")[0]! } : {}),
    name: name.startsWith("@") ? name.split("/")[1]! : name,
    ...(version === undefined ? {} : { version }),
    // SPDX's expressions have operators; a single identifier has none.
    licenses: [
      / (AND|OR|WITH) /.test(license) ? { expression: license } : { license: { id: license } },
    ],
    purl: reference(name, version),
  }));
  const document = {
    bomFormat: "CycloneDX",
    specVersion: "1.6",
    version: 1,
    metadata: {
      timestamp: new Date(time * 1000).toISOString(),
      component: {
        type: "application",
        "bom-ref": own,
        name: "wippy",
        version: manifest.version,
        licenses: [{ license: { id: manifest.license } }],
        purl: own,
        properties: [{ name: "wippy:commit", value: commit }],
      },
    },
    components,
    dependencies: [
      { ref: own, dependsOn: components.map((component) => component["bom-ref"]) },
    ],
  };
  return `${JSON.stringify(document, null, 2)}\n`;
}

/** What is compiled into Bun or into the Lua VM does not come from npm. */
const compiled = new Set(["bun", "JavaScriptCore", "tinycc", "lua", "emscripten", "musl"]);

function reference(name: string, version: string | undefined): string {
  const at = version === undefined ? "" : `@${version}`;
  return compiled.has(name)
    ? `pkg:generic/${name.toLowerCase()}${at}`
    : `pkg:npm/${name.replace("@", "%40")}${at}`;
}
