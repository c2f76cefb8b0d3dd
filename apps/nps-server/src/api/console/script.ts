/**
 * What the console does in the browser, as text. All that is shown goes in as text nodes. The token is given away for a
 * session, half of which is a cookie out of reach from here; the other half stays in the tab.
 */
export const SCRIPT: string = String.raw`'use strict'
const KEY = 'sluice-session'
const EVERY_MS = 2000
const SHOWN = 100
const at = (id) => document.getElementById(id)
const make = (name, props, ...children) => {
  const element = Object.assign(document.createElement(name), props)
  element.append(...children)
  return element
}
const say = (text) => { at('said').textContent = text }

async function ask(method, path, body) {
  const headers = { 'sluice-session': sessionStorage.getItem(KEY) }
  if (body) headers['content-type'] = 'application/json'
  const response = await fetch('/v1/' + path, { method, headers, body: body && JSON.stringify(body), cache: 'no-store' })
  const answer = response.status === 204 ? {} : await response.json()
  if (response.ok) return answer
  if (response.status === 401) leave()
  const parts = (answer.errors || []).map((error) => error.at + ' ' + error.text)
  throw new Error([answer.detail, ...parts].join('; '))
}

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB']
function bytes(count) {
  let value = count
  let unit = 0
  for (; value >= 1024 && unit < UNITS.length - 1; unit += 1) value /= 1024
  const text = unit === 0 ? String(value) : value.toFixed(value < 10 ? 2 : 1)
  return make('td', { className: 'number', title: count + ' bytes' }, text + ' ' + UNITS[unit])
}
const cell = (text) => make('td', {}, text === undefined ? '' : String(text))
const listOf = (texts) => cell((texts || []).join(', '))

const TABLES = {
  clients: {
    heads: ['Id', 'Remark', 'State', 'User', 'Programs', 'Connections'],
    cells: (row) => [
      cell(row.id), cell(row.remark), cell(!row.enabled ? 'disabled' : row.online ? 'online' : 'offline'), cell(row.user),
      listOf(row.programs.map((program) => program.kind + ' ' + program.address)), cell(row.connections),
    ],
  },
  tunnels: {
    heads: ['Id', 'Client', 'Mode', 'Listens', 'Targets', 'Remark', 'State', 'Connections'],
    cells: (row) => [
      cell(row.id), cell(row.clientId), cell(row.mode), cell(row.port && (row.host || '127.0.0.1') + ':' + row.port),
      listOf(row.targets), cell(row.remark), cell(row.problem || row.state), cell(row.connections),
    ],
  },
  hosts: {
    heads: ['Id', 'Client', 'Host', 'Scheme', 'Targets', 'Remark', 'State', 'Connections'],
    cells: (row) => [
      cell(row.id), cell(row.clientId), cell(row.host + row.location), cell(row.scheme),
      listOf(row.targets), cell(row.remark), cell(row.state), cell(row.connections),
    ],
  },
}

function button(text, about, act) {
  const onclick = () => void run(act)
  return make('button', { type: 'button', onclick, ariaLabel: text + ' ' + about }, text)
}

function actionsOf(kind, row) {
  const path = kind + '/' + row.id
  const about = kind.slice(0, -1) + ' ' + row.id
  const actions = [
    button(row.enabled ? 'Disable' : 'Enable', about, () => ask('PATCH', path, { enabled: !row.enabled })),
    button('Remove', about, () => confirm('Remove ' + about + '?') && ask('DELETE', path)),
  ]
  if (kind !== 'clients') return actions
  const renew = async () => confirm('The old key of ' + about + ' is void at once. Go on?') && tellKeys(await ask('POST', path + '/key'))
  return [...actions, button('New key', about, renew)]
}

function tellKeys({ id, vkey, enroll }) {
  const lines = ['Client ' + id + ', shown this once:', 'vkey: ' + vkey]
  if (enroll) lines.push('enrolment: ' + enroll)
  at('keys').textContent = lines.join('\n')
}

function fill(kind, { items, next }) {
  const rows = items.map((row) => make('tr', {}, ...TABLES[kind].cells(row), bytes(row.flow.inlet), bytes(row.flow.export),
    make('td', {}, ...actionsOf(kind, row))))
  const body = at(kind).querySelector('tbody')
  const focused = document.activeElement && document.activeElement.ariaLabel
  body.replaceChildren(...rows)
  // Who is at a button stays there while the numbers change.
  if (focused) [...body.querySelectorAll('button')].find((each) => each.ariaLabel === focused)?.focus()
  at(kind).querySelector('.more').textContent = next === null ? '' : 'Only the first ' + SHOWN + ' are shown: search for others.'
}

async function refresh() {
  const search = encodeURIComponent(at('search').value)
  for (const kind of Object.keys(TABLES)) fill(kind, await ask('GET', kind + '?limit=' + SHOWN + '&search=' + search))
}

async function run(act) {
  try {
    await act()
    await refresh()
    say('')
  } catch (error) {
    say(error.message)
  }
}

const VALUES = {
  number: (text) => Number(text),
  list: (text) => text.split(',').map((each) => each.trim()).filter(Boolean),
}
function bodyOf(form) {
  const fields = [...form.elements].filter((field) => field.name && field.value !== '')
  return Object.fromEntries(fields.map((field) => [field.name, (VALUES[field.dataset.type] || String)(field.value)]))
}

for (const [kind, { heads }] of Object.entries(TABLES)) {
  const row = make('tr', {}, ...[...heads, 'Inlet', 'Export', 'Actions'].map((text) => make('th', { scope: 'col' }, text)))
  at(kind).querySelector('thead').append(row)
  const form = at(kind).querySelector('form')
  form.onsubmit = (event) => {
    event.preventDefault()
    void run(async () => {
      const made = await ask('POST', kind, bodyOf(form))
      if (kind === 'clients') tellKeys(made)
      form.reset()
    })
  }
}

let timer
function enter() {
  at('login').hidden = true
  at('console').hidden = false
  void run(() => {})
  timer = setInterval(() => { if (!document.hidden) void refresh().catch((error) => say(error.message)) }, EVERY_MS)
}
function leave() {
  clearInterval(timer)
  sessionStorage.removeItem(KEY)
  for (const body of document.querySelectorAll('tbody')) body.replaceChildren()
  at('keys').textContent = ''
  at('login').hidden = false
  at('console').hidden = true
}
async function signIn() {
  const headers = { authorization: 'Bearer ' + at('token').value.trim() }
  const code = at('code').value.trim()
  if (code) headers['sluice-code'] = code
  const response = await fetch('/v1/session', { method: 'POST', headers, cache: 'no-store' })
  const answer = await response.json()
  if (response.ok) {
    at('login').reset()
    at('second').hidden = true
    say('')
    sessionStorage.setItem(KEY, answer.key)
    return enter()
  }
  at('code').value = ''
  const wantsCode = answer.code === 'CODE_REQUIRED'
  say(wantsCode ? '' : answer.detail)
  if (wantsCode) at('second').hidden = false
  if (!at('second').hidden) at('code').focus()
}
at('login').onsubmit = (event) => {
  event.preventDefault()
  void signIn().catch((error) => say(error.message))
}
at('leave').onclick = () => void ask('DELETE', 'session').catch(() => {}).finally(leave)
at('search').oninput = () => void run(() => {})
if (sessionStorage.getItem(KEY)) enter()
`
