import { createHash } from 'node:crypto';
import { escapeHtml } from './table.js';

/**
 * An HTML document that loads nothing from elsewhere, and runs nothing but its own script.
 * @param body HTML
 */
export function htmlPage(
  title: string,
  body: string,
  { style, script }: { style: string; script?: string },
): string {
  const allowed =
    script === undefined
      ? ''
      : ` script-src 'sha256-${createHash('sha256').update(script).digest('base64')}';`;
  const policy = `default-src 'none'; style-src 'unsafe-inline';${allowed} img-src data:`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)}</title>
<style>${style}</style>
</head>
<body>
${body}${script === undefined ? '' : `\n<script>${script}</script>`}
</body>
</html>
`;
}
