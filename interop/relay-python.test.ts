import { once } from 'node:events'
import { createHash, randomBytes } from 'node:crypto'
import { createServer } from 'node:net'
import { createInterface } from 'node:readline'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { Daemon } from './daemon.ts'
import { run, start, stop } from './process.ts'
import { PYTHON } from './programs.ts'
import { RELAY_MAIN, RelayServer } from './relay.ts'
import { temporaryFolder } from './sluice.ts'

// A peer that somebody else could have written: from the document, in another language.

const PEER = join(import.meta.dirname, 'relay_peer.py')
const folder = temporaryFolder()
/** That of the document's destination. */
const KEY_OF_ANOTHER = '2543b92ff1095511476adc8369db6ddc933665a11978dda1404ee1066ca9559d'
let relay: RelayServer

beforeAll(async () => {
  const listen = 'tls://127.0.0.1:0,tcp://127.0.0.1:0'
  relay = await RelayServer.start('--listen', listen, '--preset', 'private')
})
afterAll(async () => {
  await relay[Symbol.asyncDispose]()
  rmSync(folder, { recursive: true, force: true })
})

const at = (scheme: string): string[] => relay.listener(scheme).split(':')

/** A Python peer that waits for a circuit. */
class Listener {
  readonly #child
  readonly #said = new Map<string, string>()

  constructor(scheme: string, ...more: string[]) {
    this.#child = start(PYTHON, [PEER, 'listen', ...at(scheme), ...more], { SCHEME: scheme })
    createInterface(this.#child.stdout).on('line', (line) => {
      const [word = '', value = ''] = line.split(/ (.*)/)
      this.#said.set(word, value)
    })
    this.#child.stderr.on('data', (text) => this.#said.set('error', String(text)))
  }

  async said(word: string): Promise<string> {
    await vi.waitUntil(() => this.#said.has(word) || this.#said.has('error'), 20_000)
    const value = this.#said.get(word)
    if (value === undefined) throw new Error(this.#said.get('error'))
    return value
  }

  stop(): Promise<void> {
    return stop(this.#child)
  }
}

const saidBy = (out: Buffer): Record<string, string> =>
  Object.fromEntries(
    out
      .toString()
      .trim()
      .split('\n')
      .map((line) => line.split(/ (.*)/).slice(0, 2)),
  ) as Record<string, string>

test.each([
  ['tls', []],
  ['tcp', []],
  ['tcp', ['plain']],
])('two Python peers talk through the relay: %s %s', async (scheme, more) => {
  const far = new Listener(scheme, ...more)
  const id = await far.said('id')
  expect(await far.said('reserved')).toBe('0')
  expect(await far.said('address')).toContain(`/p2p-circuit/p2p/${id}`)
  const sent = randomBytes(60_000)
  const near = await run(PYTHON, [PEER, 'dial', ...at(scheme), id, ...more], sent, { SCHEME: scheme })
  expect(near.stderr).toBe('')
  expect(saidBy(near.stdout)).toMatchObject({
    welcome: '0',
    connected: '0',
    peer: id,
    sha256: createHash('sha256').update(sent).digest('hex'),
  })
  expect(await far.said('closed')).toBe('0 60000')
  await far.stop()
})

test('ours dials a Python peer, encrypted from end to end', async () => {
  const far = new Listener('tls')
  const id = await far.said('id')
  const relayUrl = `tls://${relay.listener('tls')}`
  const sent = randomBytes(1_000_000)
  const dial = ['peer', 'dial', id, '--relay', relayUrl, '--stdio', '--data', join(folder, 'near')]
  const { status, stdout, stderr } = await run(process.execPath, [RELAY_MAIN, ...dial], sent)
  expect(stderr).not.toContain('error')
  expect(stdout.equals(sent)).toBe(true)
  expect(status).toBe(0)
  expect(await far.said('closed')).toBe('0 1000000')
  await far.stop()
})

test('a Python peer dials ours', async () => {
  const echo = createServer({ allowHalfOpen: true }, (socket) => void socket.pipe(socket)).listen(
    0,
    '127.0.0.1',
  )
  await once(echo, 'listening')
  const { port } = echo.address() as { port: number }
  const data = join(folder, 'far')
  const { stdout } = await run(process.execPath, [RELAY_MAIN, 'peer', 'id', '--json', '--data', data])
  const { id } = JSON.parse(stdout.toString()) as { id: string }
  const listen = [
    '--relay',
    `tls://${relay.listener('tls')}`,
    '--forward',
    `127.0.0.1:${port}`,
    '--data',
    data,
  ]
  const far = await Daemon.start([RELAY_MAIN, 'peer', 'listen', ...listen])
  const sent = randomBytes(60_000)
  const near = await run(PYTHON, [PEER, 'dial', ...at('tls'), id], sent, { SCHEME: 'tls' })
  expect(near.stderr).toBe('')
  expect(saidBy(near.stdout)['sha256']).toBe(createHash('sha256').update(sent).digest('hex'))
  await far.kill()
  echo.close()
})

test('nobody logs in with the key of another, or takes a circuit that is not theirs', async () => {
  const forged = await run(PYTHON, [PEER, 'forge', ...at('tls'), KEY_OF_ANOTHER])
  expect(saidBy(forged.stdout)).toEqual({ welcome: '11' })
  const stolen = await run(PYTHON, [PEER, 'steal', ...at('tls')])
  expect(saidBy(stolen.stdout)).toEqual({ accepted: '18' })
})
