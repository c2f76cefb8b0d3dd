import { createHash } from 'node:crypto'
import { TUNNEL_MODES } from '../../records.ts'
import { SCRIPT } from './script.ts'

const STYLE = `
:root { color-scheme: light dark; font: 15px/1.4 system-ui, sans-serif }
body { margin: 1rem auto; max-width: 80rem; padding: 0 1rem }
table { border-collapse: collapse; width: 100% }
th, td { border-bottom: 1px solid #8886; padding: .25rem .5rem; text-align: left; vertical-align: top }
.number { font-variant-numeric: tabular-nums; text-align: right; white-space: nowrap }
form, .row { display: flex; flex-wrap: wrap; gap: .5rem; margin: .5rem 0; align-items: end }
label { display: grid }
pre:empty { display: none }
pre { border: 1px solid; padding: .5rem; white-space: pre-wrap; overflow-wrap: anywhere }
.scroll { overflow-x: auto }
[hidden] { display: none }
`

const field = (label: string, name: string, more = ''): string =>
  `<label>${label}<input name="${name}" autocomplete="off" ${more}></label>`

const CLIENT = field('Client', 'clientId', 'data-type="number" type="number" min="1" required')
const REMARK = field('Remark', 'remark', 'maxlength="1024"')
const targets = (about: string): string =>
  field('Targets', 'targets', `data-type="list" placeholder="${about}"`)

const MODE = `<label>Mode<select name="mode">${TUNNEL_MODES.map((mode) => `<option>${mode}</option>`).join('')}</select></label>`

const section = (id: string, title: string, fields: readonly string[]): string => `
<section id="${id}" aria-labelledby="${id}-title">
<h2 id="${id}-title">${title}</h2>
<div class="scroll"><table aria-labelledby="${id}-title"><thead></thead><tbody></tbody></table></div>
<p class="more"></p>
<form aria-label="Add to ${id}">${fields.join('')}<button>Add</button></form>
</section>`

const TUNNEL_FIELDS = [
  CLIENT,
  MODE,
  field('Port', 'port', 'data-type="number" type="number" min="0" max="65535"'),
  targets('127.0.0.1:22'),
  field('Password', 'password', 'type="password" placeholder="of secret and p2p"'),
  field('Folder', 'localPath', 'placeholder="of file"'),
  REMARK,
]

/** The console: one page without anything from elsewhere, which works with `/v1` as every other client of it does. */
export const PAGE: string = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Sluice nps-server</title>
<style>${STYLE}</style>
</head>
<body>
<h1>Sluice nps-server</h1>
<p id="said" role="alert"></p>
<form id="login">
<label>Token<input id="token" type="password" autocomplete="off" required></label>
<div id="second" hidden><label>Code<input id="code" inputmode="numeric" autocomplete="one-time-code" maxlength="6" placeholder="of your app"></label></div>
<button>Enter</button>
</form>
<main id="console" hidden>
<div class="row" role="search"><label>Search<input id="search" type="search"></label><button id="leave" type="button">Leave</button></div>
<pre id="keys" role="status"></pre>
${section('clients', 'Clients', [REMARK, field('User', 'user')])}
${section('tunnels', 'Tunnels', TUNNEL_FIELDS)}
${section('hosts', 'Hosts', [CLIENT, field('Host', 'host', 'required'), targets('127.0.0.1:80'), REMARK])}
</main>
<noscript>The console needs JavaScript; the API does not.</noscript>
<script>${SCRIPT}</script>
</body>
</html>
`

const hashed = (text: string): string => `'sha256-${createHash('sha256').update(text).digest('base64')}'`

/** Runs this very script and style, and talks to nobody but this server. */
export const PAGE_POLICY: string = [
  "default-src 'none'",
  `script-src ${hashed(SCRIPT)}`,
  `style-src ${hashed(STYLE)}`,
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')
