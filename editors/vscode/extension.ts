/**
 * The extension: starts `wippy lsp` for Lua and definition files, and `wippy debug` for sessions of the debugger.
 * @module
 */
import { commands, debug, DebugAdapterExecutable, type ExtensionContext, workspace } from "vscode";
import { LanguageClient } from "vscode-languageclient/node";

let client: LanguageClient | undefined;

function executable(): string {
  return workspace.getConfiguration("wippy").get<string>("path", "wippy");
}

async function start(): Promise<void> {
  const settings = workspace.getConfiguration("wippy");
  const command = executable();
  client = new LanguageClient("wippy", "Wippy", { command, args: ["lsp"] }, {
    documentSelector: [
      { scheme: "file", language: "lua" },
      { scheme: "untitled", language: "lua" },
      { scheme: "file", language: "yaml" },
      { scheme: "file", pattern: "**/_index.json" },
    ],
    initializationOptions: { lint: { rules: settings.get("lint.rules", true) } },
    synchronize: { configurationSection: "wippy" },
  });
  await client.start();
}

async function stop(): Promise<void> {
  const running = client;
  client = undefined;
  await running?.stop();
}

/** Called by the editor when an application or a Lua file is opened. A server that does not start is told by the client. */
export async function activate(context: ExtensionContext): Promise<void> {
  context.subscriptions.push(
    debug.registerDebugAdapterDescriptorFactory("wippy", {
      createDebugAdapterDescriptor: () => new DebugAdapterExecutable(executable(), ["debug"]),
    }),
    commands.registerCommand("wippy.restart", async () => {
      await stop();
      await start();
    }),
    workspace.onDidChangeConfiguration(async (change) => {
      if (!change.affectsConfiguration("wippy.path")) return;
      await stop();
      await start();
    }),
  );
  await start();
}

/** Called by the editor at its end. */
export function deactivate(): Promise<void> {
  return stop();
}
