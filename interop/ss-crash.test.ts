import { once } from 'node:events'
import { rmSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { deadPort, pouringOrigin } from './origin.ts'
import { start, stop } from './process.ts'
import { SsClients } from './ss-clients.ts'
import { SsNode, ssUsage, ssUser } from './ss-node.ts'
import { temporaryFolder } from './sluice.ts'

const RATE = 8_000_000
/** What ss-local and the system had taken from us and curl never saw. */
const ON_ITS_WAY = 2_000_000

/** Bytes that curl has received when the node was killed under it. */
const receiveUntilKilled = async (data: string, socks: number, port: number): Promise<number> => {
  await using node = await SsNode.start({ data })
  const way = ['--socks5-hostname', `127.0.0.1:${socks}`]
  const curl = start('curl', ['-sSNi', ...way, `http://127.0.0.1:${port}/`])
  let received = 0
  curl.stdout.on('data', (chunk: Buffer) => (received += chunk.length))
  const closed = once(curl, 'close')
  await sleep(2500)
  await node.kill('SIGKILL')
  await closed
  await stop(curl)
  return received
}

test('kill -9 loses at most the last second of usage, and nothing is booked twice', async () => {
  const data = temporaryFolder()
  using origin = await pouringOrigin()
  await using clients = new SsClients()
  const server = { port: await deadPort(), method: 'aes-256-gcm', password: 'x' }
  const flags = ['--ss-port', String(server.port), '--ss-secret-stdin', '--down', `${RATE}`]
  await ssUser(data, ['add', 'crash', ...flags], 'x\n')
  const socks = await clients.local(server)
  for (let round = 0; round < 2; round += 1) {
    const before = await ssUsage(data, 'crash')
    const received = await receiveUntilKilled(data, socks, origin.port)
    const booked = (await ssUsage(data, 'crash')).down - before.down
    expect(received - booked).toBeGreaterThanOrEqual(-ON_ITS_WAY)
    expect(received - booked).toBeLessThan(1.25 * RATE)
    expect(booked).toBeGreaterThan(RATE / 2)
  }
  rmSync(data, { recursive: true })
})
