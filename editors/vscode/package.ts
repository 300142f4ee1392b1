/**
 * Packages the extension for Visual Studio Code: `scripts/bun editors/vscode/package.ts [FILE.vsix]`, by default
 * `dist/wippy.vsix`. A `.vsix` is a zip archive of the extension's folder and two descriptions of it.
 * @module
 */
import { createWriteStream, mkdirSync, readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { finished } from "node:stream/promises";
import { ZipFile } from "yazl";
import { noticeText, packageFolders, workOfPackage } from "../../scripts/licenses.ts";
import product from "../../package.json" with { type: "json" };
import manifest from "./package.json" with { type: "json" };

const folder = import.meta.dirname;
const root = resolve(folder, "../..");

/** Files beside the manifest and the code. */
const files = ["README.md", "typed-lua.json"];

/** What the editor reads of the package before the manifest. */
function vsixManifest(version: string): string {
  const { name, displayName, description, publisher, categories, engines } = manifest;
  const text = (value: string) => value.replace(/[&<>"]/g, (char) => `&#${char.charCodeAt(0)};`);
  return `<?xml version="1.0" encoding="utf-8"?>
<PackageManifest Version="2.0.0" xmlns="http://schemas.microsoft.com/developer/vsx-schema/2011">
  <Metadata>
    <Identity Language="en-US" Id="${name}" Version="${version}" Publisher="${publisher}"/>
    <DisplayName>${text(displayName)}</DisplayName>
    <Description xml:space="preserve">${text(description)}</Description>
    <Categories>${text(categories.join(","))}</Categories>
    <Properties>
      <Property Id="Microsoft.VisualStudio.Code.Engine" Value="${text(engines.vscode)}"/>
      <Property Id="Microsoft.VisualStudio.Code.ExtensionKind" Value="workspace"/>
    </Properties>
  </Metadata>
  <Installation><InstallationTarget Id="Microsoft.VisualStudio.Code"/></Installation>
  <Dependencies/>
  <Assets>
    <Asset Type="Microsoft.VisualStudio.Code.Manifest" Path="extension/package.json" Addressable="true"/>
    <Asset Type="Microsoft.VisualStudio.Services.Content.Details" Path="extension/README.md" Addressable="true"/>
    <Asset Type="Microsoft.VisualStudio.Services.Content.License" Path="extension/LICENSE.txt" Addressable="true"/>
  </Assets>
</PackageManifest>
`;
}

const contentTypes = `<?xml version="1.0" encoding="utf-8"?>
<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">
  <Default Extension=".json" ContentType="application/json"/>
  <Default Extension=".js" ContentType="application/javascript"/>
  <Default Extension=".md" ContentType="text/markdown"/>
  <Default Extension=".txt" ContentType="text/plain"/>
  <Default Extension=".vsixmanifest" ContentType="text/xml"/>
</Types>
`;

/** The extension with the client that it brings, as one file; and the notices of what is in it. */
async function bundle(): Promise<{ code: Buffer; notices: string }> {
  const built = await Bun.build({
    entrypoints: [join(folder, "extension.ts")],
    target: "node",
    format: "cjs",
    external: ["vscode"],
    minify: true,
    metafile: true,
  });
  const works = packageFolders(Object.keys(built.metafile!.inputs))
    .map((path) => workOfPackage(resolve(root, path)));
  const code = Buffer.from(await built.outputs[0]!.arrayBuffer());
  return { code, notices: noticeText(works) };
}

/** Writes the package. The version is that of the product. */
export async function packageExtension(path: string): Promise<void> {
  const { version } = product;
  const zip = new ZipFile();
  // A fixed time: the same sources make the same package.
  const options = { mtime: new Date(Date.UTC(2000, 0, 1)) };
  const add = (name: string, content: Buffer | string) =>
    zip.addBuffer(Buffer.from(content), name, options);
  add("[Content_Types].xml", contentTypes);
  add("extension.vsixmanifest", vsixManifest(version));
  add("extension/package.json", JSON.stringify({ ...manifest, version }, null, 2));
  const { code, notices } = await bundle();
  add("extension/extension.js", code);
  for (const file of files) add(`extension/${file}`, readFileSync(join(folder, file)));
  add("extension/LICENSE.txt", readFileSync(join(root, "LICENSE")));
  add("extension/NOTICES.txt", notices);
  zip.end();
  mkdirSync(dirname(path), { recursive: true });
  await finished(zip.outputStream.pipe(createWriteStream(path)));
}

if (import.meta.main) {
  const path = resolve(process.argv[2] ?? join(root, "dist/wippy.vsix"));
  await packageExtension(path);
  console.log(path);
}
