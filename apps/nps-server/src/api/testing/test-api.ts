import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createLog } from '@sluice/service'
import { Shaper } from '@sluice/ratelimit'
import { Manager } from '../../manager.ts'
import { LiveClient, type LiveHost, type LiveTunnel } from '../../registry.ts'
import { RecordStore } from '../../store/record-store.ts'
import { openApi, type OpenApiOptions } from '../open-api.ts'

/** The API on loopback, with a store of its own. */
export interface TestApi extends AsyncDisposable {
  readonly store: RecordStore
  /** Who is there. */
  readonly live: Map<number, LiveClient>
  readonly liveTunnels: Map<number, LiveTunnel>
  readonly url: string
  /** That was told when it was opened. */
  readonly token: string
  /** The log. */
  readonly lines: readonly string[]
  /** @param line such as `GET /v1/clients` @param token '' for none */
  ask<Body = unknown>(line: string, body?: unknown, token?: string): Promise<Answer<Body>>
}

export interface Answer<Body> {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  readonly body: Body
}

const CONFIG: OpenApiOptions['config'] = {
  web: { host: '127.0.0.1', port: 0 },
  authFailures: 3,
  authBackoffMs: 60_000,
  npsApi: undefined,
  npcBridge: undefined,
  ports: [{ first: 20_000, last: 20_001 }],
}

const managerOf = (store: RecordStore): Manager =>
  new Manager({
    store,
    userIdOf: (name) => (name === 'alice' ? 'id of alice' : undefined),
    ports: () => [{ first: 1024, last: 65_535 }],
    enrol: () => ({
      publicKey: Buffer.from(crypto.getRandomValues(new Uint8Array(32))).toString('base64url'),
      text: () => 'enrolment',
    }),
    bridge: { host: '192.0.2.1', port: 8025 },
  })

export const openTestApi = async (config: Partial<OpenApiOptions['config']> = {}): Promise<TestApi> => {
  const data = mkdtempSync(join(tmpdir(), 'api-'))
  const store = RecordStore.open(join(data, 'tunnels.db'))
  const live = new Map<number, LiveClient>()
  const liveTunnels = new Map<number, LiveTunnel>()
  const lines: string[] = []
  const told: string[] = []
  const stops: (() => void)[] = []
  const log = createLog({ level: 'trace', sink: { write: (line) => void lines.push(line) } })
  const server = await openApi({
    program: {
      log,
      announce: (door, address) => log.announce('listening', { door, ...address }),
      onStop: (letGo) => void stops.push(letGo),
      onReload: () => undefined,
      directory: { byId: (id) => ({ name: id.replace('id of ', '') }) },
    },
    config: { ...CONFIG, ...config },
    registry: { clients: live, tunnels: liveTunnels, hosts: new Map<number, LiveHost>() },
    store,
    manager: managerOf(store),
    version: '1.2.3',
    tell: (line) => void told.push(line),
  })
  const url = `http://127.0.0.1:${server!.address.port}`
  const token = told.join('').replace(/.*: /, '')
  return {
    store,
    live,
    liveTunnels,
    url,
    token,
    lines,
    ask: (line, body, by = token) => ask(url, line, body, by),
    [Symbol.asyncDispose]: async () => {
      for (const stop of stops) stop()
      await server!.close()
      store.close()
      rmSync(data, { recursive: true })
    },
  }
}

const ask = async <Body>(url: string, line: string, body: unknown, token: string): Promise<Answer<Body>> => {
  const [method = '', path = ''] = line.split(' ')
  const headers = {
    ...(token !== '' && { authorization: `Bearer ${token}` }),
    ...(body !== undefined && { 'content-type': 'application/json' }),
  }
  const init = { method, headers, ...(body !== undefined && { body: JSON.stringify(body) }) }
  const response = await fetch(url + path, init)
  const text = await response.text()
  return {
    status: response.status,
    headers: response.headers,
    text,
    body: (text === '' ? undefined : JSON.parse(text)) as Body,
  }
}

const shaper = new Shaper()

/** A client that is there, without any program of its. */
export const liveClient = (store: RecordStore, id: number): LiveClient =>
  new LiveClient(store.client(id), shaper, () => {})
