import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { deadPort } from './origin.ts'
import { start, stop } from './process.ts'
import { temporaryFolder } from './sluice.ts'

const MAIN = join(import.meta.dirname, '../apps/ss-node/dist/main.mjs')
const METHOD = 'chacha20-ietf-poly1305'

const [folder, theirFolder] = [temporaryFolder(), temporaryFolder()]
const children: ReturnType<typeof start>[] = []
let ours: number
let theirs: number

const startOurs = async (): Promise<number> => {
  const flags = [
    '--data',
    folder,
    '--listen',
    '127.0.0.1',
    '--ops',
    '127.0.0.1:0',
    '--manager',
    '127.0.0.1:0',
  ]
  const child = start(process.execPath, [MAIN, ...flags])
  children.push(child)
  let port = 0
  for await (const line of createInterface(child.stdout)) {
    const { msg, door, port: its } = JSON.parse(line) as { msg: string; door?: string; port?: number }
    if (door === 'manager') port = its ?? 0
    if (msg === 'ready') break
  }
  return port
}

const startTheirs = async (): Promise<number> => {
  const port = await deadPort()
  const flags = ['--manager-address', `127.0.0.1:${port}`, '-D', theirFolder, '-m', METHOD, '-s', '127.0.0.1']
  children.push(start('ss-manager', flags))
  await vi.waitFor(() => ask(port, 'ping'), { timeout: 20_000 })
  return port
}

beforeAll(async () => {
  ours = await startOurs()
  theirs = await startTheirs()
})
afterAll(async () => {
  for (const child of children) await stop(child)
  for (const each of [folder, theirFolder]) rmSync(each, { recursive: true })
})

const ask = async (port: number, command: string): Promise<string> => {
  const socket: Socket = createSocket('udp4')
  socket.connect(port, '127.0.0.1')
  await once(socket, 'connect')
  try {
    const reply = once(socket, 'message', { signal: AbortSignal.timeout(10_000) })
    socket.send(command)
    const [bytes] = (await reply) as [Buffer]
    return String(bytes)
  } finally {
    socket.close()
  }
}

test('replies as ss-manager does', async () => {
  const [first, second] = [await deadPort(), await deadPort()]
  const script = [
    'ping',
    'list',
    `add: {"server_port":${first},"password":"x"}`,
    `add: {"server_port":"${second}","password":"y","method":"aes-256-gcm"}`,
    'list',
    'ping',
    'list: {}',
    ' ping\n',
    `remove: {"server_port":${first}}`,
    'list',
    `remove: {"server_port":"${second}"}`,
    `remove: {"server_port":${second}}`,
    'list',
    'add',
    'add: {',
    `add: {"server_port":${first}}`,
    'add: {"password":"x"}',
    'remove: {}',
    'ping',
  ]
  for (const command of script) {
    expect([command, await ask(ours, command)]).toEqual([command, await ask(theirs, command)])
  }
})
