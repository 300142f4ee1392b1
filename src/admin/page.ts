/**
 * The page as files: what `scripts/prepare.ts` bundled from `ui`, and the two small pages around it.
 * @module
 */
import { createHash } from "node:crypto";
import script from "../../build/page/app.txt" with { type: "text" };
import style from "../../build/page/style.txt" with { type: "text" };

interface Asset {
  type: string;
  body: string;
}

const hash = (text: string) => createHash("sha256").update(text).digest("hex").slice(0, 16);
const scriptName = `app-${hash(script)}.js`;
const styleName = `style-${hash(style)}.css`;

const icon = "data:image/svg+xml," + encodeURIComponent(
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><circle cx="8" cy="8" r="7" ' +
    'fill="#2f6fde"/><path d="M4 6l2 5 2-5 2 5 2-5" fill="none" stroke="#fff" stroke-width="1.6"/></svg>',
);

function document(title: string, head: string, body: string): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title}</title>
<link rel="icon" href="${icon}">
<link rel="stylesheet" href="/assets/${styleName}">
${head}</head>
<body>
${body}
</body>
</html>
`;
}

/** What the server sends to browsers. */
export const page = {
  /** The page itself. */
  html: (): string =>
    document(
      "wippy",
      `<script type="module" src="/assets/${scriptName}"></script>\n`,
      '<div id="app"><noscript>This page needs JavaScript.</noscript></div>',
    ),
  /** Where a token is entered. @param wrong what was wrong with the last one */
  signIn: (wrong?: string): string =>
    document(
      "Sign in – wippy",
      "",
      `<main class="sign-in"><h1>wippy</h1>
<p>Open the link that <code>wippy serve</code> printed, or enter a token.</p>
<form method="post" action="/sign-in">
<label for="token">Token</label>
<input id="token" name="token" type="password" autocomplete="current-password" required autofocus${
        wrong === undefined ? "" : ' aria-invalid="true" aria-describedby="wrong"'
      }>
${wrong === undefined ? "" : `<p id="wrong" role="alert">${wrong}</p>`}
<button>Sign in</button>
</form></main>`,
    ),
  /**
   * Leads to the page.
   *
   * @param secret of the session, which the page takes from the fragment: that part of an address is never sent
   */
  signedIn: (secret: string): string =>
    document(
      "wippy",
      `<meta http-equiv="refresh" content="0;url=/#session=${secret}">\n`,
      `<main class="sign-in"><p>You are signed in. <a href="/#session=${secret}">Continue</a></p></main>`,
    ),
  asset: (name: string): Asset | undefined => {
    if (name === scriptName) return { type: "text/javascript; charset=utf-8", body: script };
    if (name === styleName) return { type: "text/css; charset=utf-8", body: style };
    return undefined;
  },
};
