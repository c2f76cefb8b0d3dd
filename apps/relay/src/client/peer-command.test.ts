import { createHash } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough, Readable } from 'node:stream'
import type { Conn } from '@sluice/net'
import { createLog } from '@sluice/service'
import { formatAddress } from '@sluice/wire'
import { describe, it, onTestFinished } from 'vitest'
import { schema } from '../config.ts'
import { freshIdentity } from '../identity.ts'
import { ConnEnd } from '../testing/conn-end.ts'
import { Journal } from '../testing/journal.ts'
import { openTestRelay } from '../testing/test-relay.ts'
import { createPeer } from './peer.ts'
import { peerCommand } from './peer-command.ts'

const ID = freshIdentity().id

/** One data folder, and the commands that are run on it. */
const stage = () => {
  const data = mkdtempSync(join(tmpdir(), 'relay-peer-'))
  onTestFinished(() => rmSync(data, { recursive: true }))
  const run = async (argv: readonly string[], stdin = '') => {
    const journal = new Journal()
    const stdout = new PassThrough()
    const errors: string[] = []
    const stderr = { write: (text: string) => void errors.push(text) }
    const log = createLog({ level: 'info', sink: journal })
    const input = Readable.from([Buffer.from(stdin)])
    const command = peerCommand({ version: '0', env: {}, stdin: input, stdout, stderr, schema, log })
    const [word = '', ...rest] = argv
    const code = await command.run(argv.includes('--help') ? argv : [word, ...rest, '--data', data])
    return { code, out: String(stdout.read() ?? ''), err: errors.join(''), journal }
  }
  return { data, run }
}

/** A peer that says everything back. */
const openEcho = async (relay: string) => {
  const peer = createPeer({ identity: freshIdentity(), relays: [relay] })
  await peer.listen(({ conn }) => void echo(conn))
  onTestFinished(() => peer.close())
  return peer
}

const echo = async (conn: Conn): Promise<void> => {
  const end = new ConnEnd(conn)
  end.write(await end.rest())
  conn.end()
}

describe('relay peer', () => {
  it('id makes one identity, and keeps it', async ({ expect }) => {
    const { run, data } = stage()
    const { out, code } = await run(['id', '--json'])
    const { id } = JSON.parse(out) as { id: string }
    expect([code, id]).toEqual([0, expect.stringMatching(/^[1-9A-HJ-NP-Za-km-z]{43,44}$/)])
    expect((await run(['id'])).out).toBe(`${id}\n`)
    expect(readFileSync(join(data, 'peer-identity.pem'), 'utf8')).toContain('PRIVATE KEY')
  })

  it('status tells which relays answer, and remembers who they are', async ({ expect }) => {
    await using relay = await openTestRelay([])
    const { run, data } = stage()
    const url = `tcp://${formatAddress(relay.at)}`
    const { out, code } = await run(['status', '--relay', url, '--json'])
    const { id } = relay.relay.identity
    expect([code, JSON.parse(out)]).toEqual([
      0,
      {
        id: expect.any(String),
        held: [],
        relays: [expect.objectContaining({ relay: url, ok: true, id, rate: 1_000_000 })],
      },
    ])
    expect(readFileSync(join(data, 'known-relays'), 'utf8')).toBe(`${formatAddress(relay.at)} ${id}\n`)
    expect((await run(['status'])).out).toContain(`${url}: reachable`)
    const both = await run(['status', '--relay', `${url},tcp://127.0.0.1:1`])
    expect([both.code, both.out]).toEqual([1, expect.stringMatching(/reachable.*cannot be reached/s)])
  })

  it('does not go to a relay that is another than before', async ({ expect }) => {
    const { run } = stage()
    const first = await openTestRelay([])
    const { host, port } = first.at
    const url = `tcp://${host}:${port}`
    expect((await run(['status', '--relay', url])).code).toBe(0)
    await first[Symbol.asyncDispose]()
    await using second = await openTestRelay([], '--listen', url)
    const { code, err } = await run(['listen', '--relay', url, '--forward', '127.0.0.1:1'])
    expect(code).toBe(1)
    expect(err).toContain(`wanted is relay ${first.relay.identity.id}, this is ${second.relay.identity.id}`)
    expect(err).toMatch(/take its line out of .*known-relays\n$/)
  })

  it('ping has circuits made', async ({ expect }) => {
    await using relay = await openTestRelay([])
    const url = `tcp://${formatAddress(relay.at)}`
    const echo = await openEcho(url)
    const { run } = stage()
    const { out, code } = await run(['ping', echo.id, '--relay', url, '--count', '2', '--json'])
    expect([code, JSON.parse(out)]).toMatchObject([0, { peer: echo.id, sent: 2, received: 2 }])
    const none = await run(['ping', ID, '--relay', url, '--count', '1'])
    expect([none.code, none.out]).toEqual([1, 'the relay refused: NO_RESERVATION\n1 asked, 0 came back\n'])
  })

  it('dial --stdio carries standard input and output', async ({ expect }) => {
    await using relay = await openTestRelay([])
    const url = `tcp://${formatAddress(relay.at)}`
    const echo = await openEcho(url)
    const { run } = stage()
    const said = await run(['dial', echo.id, '--relay', url, '--stdio'], 'hello there')
    expect([said.code, said.out]).toEqual([0, 'hello there'])
    const none = await run(['dial', ID, '--relay', url, '--stdio'])
    expect([none.code, none.err]).toEqual([1, 'relay: the relay refused: NO_RESERVATION\n'])
  })

  it('takes a token from standard input, for users who have one', async ({ expect }) => {
    const { run } = stage()
    const hash = createHash('sha256').update('a token').digest('hex')
    await using relay = await openTestRelay([{ name: 'ada', credentials: [{ kind: 'token', hash }] }])
    const url = `tcp://${formatAddress(relay.at)}`
    expect(await run(['status', '--relay', url])).toMatchObject({ code: 1 })
    expect(await run(['status', '--relay', url, '--token-stdin'], 'another')).toMatchObject({ code: 1 })
    expect(await run(['status', '--relay', url, '--token-stdin'], 'a token\n')).toMatchObject({ code: 0 })
    const far = await run(['status', '--relay', 'tcp://192.0.2.1:1', '--token-stdin'], 'a token\n')
    expect([far.code, far.err]).toEqual([
      2,
      expect.stringContaining('an access token goes over tls or wss only'),
    ])
    expect((await run(['status', '--relay', url, '--token-stdin'], '')).code).toBe(2)
  })

  it.for([
    [[], 'wanted id, listen, dial, status, ping'],
    [['pong'], 'peer pong: unknown command'],
    [['id', 'x'], 'one word too many'],
    [['ping', '--relay', 'tcp://127.0.0.1:1'], 'the ID of a peer is missing'],
    [['ping', 'x', '--relay', 'tcp://127.0.0.1:1'], '"x" is no ID of a peer'],
    [['ping', ID], '--relay is missing, wanted relays'],
    [['status', '--relay', 'http://127.0.0.1'], 'is not relays, such as tls://'],
    [['listen', '--relay', 'tcp://127.0.0.1:1'], '--forward is missing'],
    [['listen', '--relay', 'tcp://127.0.0.1:1', '--forward', 'a:1', '--allow-peer', 'x'], 'is not NodeIDs'],
    [['dial', ID, '--relay', 'tcp://127.0.0.1:1', '--stdio', '--token-stdin'], 'both want standard input'],
    [['dial', ID, '--relay', 'tcp://127.0.0.1:1'], 'wanted one of --listen and --stdio'],
    [['dial', ID, '--relay', 'tcp://127.0.0.1:1', '--listen', '0.0.0.0:1'], 'is not loopback'],
  ] as const)('is not called so: %j', async ([argv, message], { expect }) => {
    const { run } = stage()
    await expect(run(argv)).rejects.toThrow(
      expect.objectContaining({ message: expect.stringContaining(message) }),
    )
  })

  it.for([[], ['id'], ['listen'], ['dial'], ['status'], ['ping']])(
    'explains itself: %j',
    async (argv, { expect }) => {
      const { run } = stage()
      const { out, code } = await run([...argv, '--help'])
      expect([code, out]).toEqual([0, expect.stringContaining('EXIT STATUS')])
    },
  )
})
