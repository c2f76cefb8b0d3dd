import { once } from 'node:events'
import { rmSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { pouringOrigin } from './origin.ts'
import { start, stop } from './process.ts'
import { addUser, Sluice, temporaryFolder, usage } from './sluice.ts'

const RATE = 8_000_000

/** Bytes that curl has received, head and all, when the program was killed under it. */
const receiveUntilKilled = async (data: string, port: number): Promise<number> => {
  await using sluice = await Sluice.start(data)
  const way = ['--socks5', sluice.socks, '--proxy-user', 'crash:x']
  const curl = start('curl', ['-sSNi', ...way, `http://127.0.0.1:${port}/`])
  let received = 0
  curl.stdout.on('data', (chunk: Buffer) => (received += chunk.length))
  const closed = once(curl, 'close')
  await sleep(2500)
  await sluice.kill('SIGKILL')
  await closed
  await stop(curl)
  return received
}

test('kill -9 loses at most the last second of usage, and nothing is booked twice', async () => {
  const data = temporaryFolder()
  using origin = await pouringOrigin()
  await addUser(data, 'crash', 'x', '--down', `${RATE}`)
  for (let round = 0; round < 2; round += 1) {
    const before = await usage(data, 'crash')
    const received = await receiveUntilKilled(data, origin.port)
    const booked = (await usage(data, 'crash')).down - before.down
    expect(received - booked).toBeGreaterThanOrEqual(0)
    expect(received - booked).toBeLessThan(1.25 * RATE)
    expect(booked).toBeGreaterThan(RATE / 2)
  }
  rmSync(data, { recursive: true })
})
