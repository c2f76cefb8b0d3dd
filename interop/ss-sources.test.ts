import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { BODY, deadPort, httpOrigin, type Origin } from './origin.ts'
import { run } from './process.ts'
import { SsClients } from './ss-clients.ts'
import { SsNode, type SsRow, writeRows } from './ss-node.ts'

const SPEED = 1_000_000
let clients: SsClients
let web: Origin

beforeAll(async () => {
  clients = new SsClients()
  web = await httpOrigin()
})
afterAll(async () => {
  await clients[Symbol.asyncDispose]()
  web[Symbol.dispose]()
})

/** Downloads the body. @returns seconds, or undefined where nothing came */
const seconds = async (row: SsRow): Promise<number | undefined> => {
  const { method, password } = row
  const socks = await clients.local({ port: row.port!, method, password })
  const way = ['-sS', '--max-time', '15', '--socks5-hostname', `127.0.0.1:${socks}`]
  const began = performance.now()
  const { status, stdout } = await run('curl', [...way, `http://127.0.0.1:${web.port}/`])
  if (status !== 0) return undefined
  expect(stdout.equals(BODY)).toBe(true)
  return (performance.now() - began) / 1000
}

/** The body at this rate, less the quarter of a second that may pass at once. */
const LEAST = BODY.length / SPEED - 0.25

/** Never faster; slower by what a busy machine takes to start curl. */
const isAtSpeed = (took: number | undefined): void => {
  expect(took).toBeGreaterThan(LEAST * 0.9)
  expect(took).toBeLessThan(LEAST * 1.1 + 3)
}

test('a file as it was written for the original works, its speed limit holds, and a change is taken over', async () => {
  const password = 'hellotheworld'
  const old = { transfer: 104_857_600, ever: 'unknown' }
  const fast: SsRow = { user_id: 1, port: await deadPort(), method: 'aes-256-cfb', password, speed_limit: 0 }
  const slow: SsRow = {
    user_id: 2,
    port: await deadPort(),
    method: 'aes-128-gcm',
    password,
    speed_limit: SPEED,
  }
  const none: SsRow = { user_id: 3, port: await deadPort(), method: 'aes-256-gcm', password, enable: false }
  const rows = [fast, slow, none].map((row) => ({ ...row, ...old }))
  await using node = await SsNode.start(
    { rows, env: { SS_SYNC_TIME: '1', SS_TCP_CONN_LIMIT: '60' } },
    '--insecure-methods',
  )
  expect(await seconds(fast)).toBeLessThan(LEAST)
  isAtSpeed(await seconds(slow))
  expect(await seconds(none)).toBeUndefined()
  writeRows(node.data, [fast, { ...none, enable: true }])
  await expect.poll(() => seconds(none), { interval: 100 }).toBeLessThan(LEAST)
})

interface Posted {
  readonly user_id: number
  readonly upload_traffic: number
  readonly download_traffic: number
  readonly tcp_conn_num: number
  readonly ip_list: readonly string[]
}

/** What django-sspanel of 2019 answers, and what it books. */
const openPanel = async (users: readonly SsRow[], booked: Posted[], token: string): Promise<Server> => {
  const answer = async (request: IncomingMessage): Promise<unknown> => {
    if (new URL(request.url ?? '', 'http://panel').searchParams.get('token') !== token)
      return { msg: 'auth error' }
    if (request.method !== 'POST') return { users }
    const { data } = JSON.parse(await text(request)) as { data: Posted[] }
    booked.push(...data)
    return { ret: 1, data: [] }
  }
  const server = createServer((request, response) => {
    void answer(request).then((body) => response.end(JSON.stringify(body)))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return server
}

test('a panel says who the users are, and is told once what each has moved', async () => {
  const row: SsRow = {
    user_id: 7,
    port: await deadPort(),
    method: 'chacha20-ietf-poly1305',
    password: 'x',
    enable: true,
    speed_limit: SPEED,
  }
  const more = { id: 3, node_id: 7, level: 0, name: 'here', used_traffic: 1, total_traffic: 9, server: 'x' }
  const booked: Posted[] = []
  const panel = await openPanel([{ ...row, ...more }], booked, 'secret')
  const { port } = panel.address() as AddressInfo
  const endpoint = `http://127.0.0.1:${port}/api/user_ss_config/7/?token=secret`
  const sum = (field: 'upload_traffic' | 'download_traffic'): number =>
    booked.reduce((total, each) => total + each[field], 0)
  const node = await SsNode.start({ env: { SS_API_ENDPOINT: endpoint, SS_SYNC_TIME: '1' } })
  try {
    isAtSpeed(await seconds(row))
    await expect.poll(() => sum('download_traffic')).toBeGreaterThan(BODY.length)
  } finally {
    await node[Symbol.asyncDispose]()
  }
  panel.close()
  // The head of the answer, too.
  expect(sum('download_traffic')).toBeLessThan(BODY.length + 1000)
  expect(sum('upload_traffic')).toBeGreaterThan(50)
  expect(sum('upload_traffic')).toBeLessThan(1000)
  expect(booked.length).toBeGreaterThan(1)
  expect(new Set(booked.map((each) => each.user_id))).toEqual(new Set([7]))
  // An address is told from 16 KB on, so the first of them may have none.
  expect(new Set(booked.flatMap((each) => each.ip_list))).toEqual(new Set(['127.0.0.1']))
})
