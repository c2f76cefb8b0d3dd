import { rmSync, writeFileSync } from 'node:fs'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { once } from 'node:events'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { NpcEmulator } from '../apps/nps-server/src/testing/npc-emulator.ts'
import { NetSpace } from './net-space.ts'
import { exchange, noise, sha256 } from './nps-peers.ts'
import { NpsServer, runClient } from './nps-server.ts'
import { BODY, echoOrigin } from './origin.ts'
import { type Ended, run, start, stop } from './process.ts'
import { PYTHON } from './programs.ts'
import { temporaryFolder } from './sluice.ts'

/** Each way. */
const DELAY_MS = 40
/** As after a packet that was lost, and every one behind it waits. */
const LATE_MS = 200
const LATE_EACH = 100
const folder = temporaryFolder()
const closing: (() => unknown)[] = []
afterAll(async () => {
  for (const close of closing.toReversed()) await close()
  rmSync(folder, { recursive: true, force: true })
})

/** Passes on what comes, in order, later. */
const late = (from: Socket, to: Socket): void => {
  const waiting: Buffer[] = []
  let [count, due] = [0, 0]
  from.on('data', (chunk) => {
    count += 1
    const now = performance.now()
    due = Math.max(due, now + DELAY_MS + (count % LATE_EACH === 0 ? LATE_MS : 0))
    waiting.push(chunk)
    setTimeout(() => to.write(waiting.shift()!), due - now)
  })
  from.on('error', () => {}).on('close', () => to.destroy())
}

/** A long way to this address. @returns the port where it begins */
const farFrom = async (address: string): Promise<number> => {
  const server = createServer({ noDelay: true }, (near) => {
    const far = connect({ host: '127.0.0.1', port: Number(address.split(':')[1]), noDelay: true })
    late(near, far)
    late(far, near)
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  closing.push(() => server.close())
  return (server.address() as AddressInfo).port
}

const joined = async (server: NpsServer, id: number): Promise<void> => {
  const isOnline = async (): Promise<unknown> => (await server.ask('GET', `clients/${id}`)).online
  await expect.poll(isOnline, { interval: 50 }).toBe(true)
}

test.each(['our client', 'what acts as npc'])(
  '%s behind a long and unsteady link has all bytes in order, many streams at once',
  async (kind) => {
    await using server = await NpsServer.make()
    using echo = await echoOrigin()
    await server.start()
    const isOurs = kind === 'our client'
    const bridge = await farFrom(isOurs ? server.bridge : server.npcBridge)
    const record = await server.addClient()
    const tunnel = await server.addTunnel(record.id, 'tcp', { targets: [`127.0.0.1:${echo.port}`] })
    const enroll = record.enroll.replace(/@.*/, `@127.0.0.1:${bridge}`)
    const program = isOurs
      ? await runClient({ enroll })
      : await NpcEmulator.connect({ port: bridge, vkey: record.vkey })
    await joined(server, record.id)
    const pieces = [noise(5_000_000), noise(1_000_000), noise(100_000), noise(1), noise(3_000_000)]
    const back = await Promise.all(pieces.map((bytes) => exchange(tunnel.port, bytes)))
    expect(back.map(sha256)).toEqual(pieces.map(sha256))
    const sum = pieces.reduce((before, { length }) => before + length, 0)
    await expect.poll(() => server.flowOf('client', record)).toEqual({ inlet: sum, export: sum })
    if (program instanceof NpcEmulator) program.stop()
    else await program.kill()
  },
)

test('a cable that is pulled: the client counts as gone, and is back once the cable is', async () => {
  const [home, away] = [new NetSpace('home'), new NetSpace('away')]
  closing.push(
    () => home[Symbol.dispose](),
    () => away[Symbol.dispose](),
  )
  const bridge = `${home.connect(away, 1)}:8025`
  const server = await NpsServer.make('--bridge', bridge, '--dead-after', '3')
  closing.push(() => server[Symbol.asyncDispose]())
  const record = await server.tell('client', 'add', '--server', bridge)
  const tunnel = ['--client', '1', '--mode', 'tcp', '--listen', '127.0.0.1:8001', '--target', '8000']
  await server.tell('tunnel', 'add', ...tunnel)
  await server.start(away.within)
  const client = await runClient(record, [], home.within)
  closing.push(() => client.kill())
  writeFileSync(join(folder, 'body'), BODY)
  const [program, ...args] = [...home.within, PYTHON, '-m', 'http.server', '8000', '--directory', folder]
  const site = start(program, [...args, '--bind', '127.0.0.1'])
  site.stdout.resume()
  site.stderr.resume()
  closing.push(() => stop(site))

  const [command, ...rest] = [...away.within, 'curl', '-sS', '--max-time', '5', 'http://127.0.0.1:8001/body']
  const fetched = async (): Promise<Buffer> => (await run(command, rest)).stdout
  await expect.poll(async () => (await fetched()).equals(BODY)).toBe(true)
  const cable = (state: string): Promise<Ended> => run('ip', ['-n', home.name, 'link', 'set', 'near1', state])
  const left = (): number => server.log.split('"agent.left"').length - 1
  await cable('down')
  await expect.poll(left, { interval: 100 }).toBe(1)
  expect((await fetched()).length).toBe(0)
  await cable('up')
  await expect.poll(async () => (await fetched()).equals(BODY)).toBe(true)
})
