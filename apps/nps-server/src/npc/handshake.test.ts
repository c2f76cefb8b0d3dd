import { randomBytes } from 'node:crypto'
import { connect as connectTls } from 'node:tls'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type Listener, refuse } from '@sluice/net'
import { SignInGuard } from '@sluice/service'
import type { Address } from '@sluice/wire'
import { createNpcHandshake, type NpcArrival } from './handshake.ts'
import { md5 as md5Of } from '../testing/npc-emulator-login.ts'
import { HELLO, RawNpc } from './testing/raw-npc.ts'
import { Stage } from './testing/stage.ts'

const VKEY = 'key of ada'
const CORE_MD5 = md5Of('0.26.0')

let stage: Stage
let listener: Listener
let arrivals: NpcArrival[]
const guard = new SignInGuard({ failures: 0, backoffMs: 1000 })

beforeAll(async () => {
  stage = await Stage.open('--handshake-timeout', '150ms')
  stage.addClient(VKEY)
  const handshake = createNpcHandshake({
    registry: stage.registry,
    guard,
    requestOf: (arrival) => {
      arrivals.push(arrival)
      return {
        ...{ account: stage.program.directory.guest, protocol: 'test', target: undefined },
        reject: () => refuse(arrival.conn, new Uint8Array(0)),
        serve: () => refuse(arrival.conn, Buffer.from('served')),
      }
    },
  })
  listener = await stage.program.listen('npc-bridge', { host: '127.0.0.1', port: 0 }, handshake)
})
afterAll(() => stage[Symbol.asyncDispose]())
beforeEach(() => {
  arrivals = []
  guard.set({ failures: 0, backoffMs: 1000 })
})

const at = (): Address => listener.address
const whole = (vkey = VKEY, purpose = 'main'): Buffer =>
  Buffer.concat([HELLO, Buffer.from(md5Of(vkey) + purpose)])
const answerTo = async (bytes: Uint8Array, from?: string): Promise<string> => {
  const raw = await RawNpc.connect(at(), from)
  raw.socket.end(bytes)
  return raw.rest()
}

describe('the handshake of npc', () => {
  it('answers with the MD5 of the version, then with the verdict, then serves the purpose', async () => {
    const raw = await RawNpc.connect(at())
    raw.socket.write(HELLO)
    expect(String(await raw.take(32))).toBe('89a4f3fc3c89257d6f712de6964bda8e')
    raw.socket.write(md5Of(VKEY))
    expect(String(await raw.take(4))).toBe('sucs')
    raw.socket.write('main')
    expect(await raw.rest()).toBe('served')
    expect(arrivals).toMatchObject([{ purpose: { type: 'main' }, version: '0.26.10' }])
    expect(arrivals[0]!.client).toBe(stage.registry.clients.get(1))
  })

  it('takes segments however they are cut, and leaves what follows the purpose', async () => {
    for (const byte of [true, false]) {
      const raw = await RawNpc.connect(at())
      const bytes = Buffer.concat([whole(VKEY, 'chan'), Buffer.from('rest')])
      if (byte) for (const each of bytes) raw.socket.write(Uint8Array.of(each))
      else raw.socket.write(bytes)
      expect(await raw.rest()).toBe(`${CORE_MD5}sucsserved`)
    }
    expect(arrivals.map(({ purpose }) => purpose.type)).toEqual(['chan', 'chan'])
  })

  it.each([
    ['chan', { type: 'chan' }],
    ['file', { type: 'file' }],
    ['conf', { type: 'conf' }],
    ['rgst\x18\0\0\0', { type: 'register', hours: 24 }],
    [`sert${md5Of('s')}`, { type: 'secret', passwordMd5: md5Of('s') }],
    [`p2pm${md5Of('s')}`, { type: 'p2p', passwordMd5: md5Of('s') }],
  ])('knows the purpose %j', async (bytes, purpose) => {
    expect(await answerTo(whole(VKEY, bytes))).toBe(`${CORE_MD5}sucsserved`)
    expect(arrivals[0]!.purpose).toEqual(purpose)
  })

  it('tells whoever shows a key that is nobody’s, or void, only that, and closes', async () => {
    stage.addClient('disabled', { enabled: false })
    stage.addClient('expired', { expiresAt: 1 })
    for (const vkey of ['wrong', '', 'disabled', 'expired']) {
      expect(await answerTo(whole(vkey))).toBe(`${CORE_MD5}vkey`)
    }
    expect(arrivals).toEqual([])
    const codes = stage.journal.ends.slice(-4).map(({ code }) => code)
    expect(codes.toSorted()).toEqual(['AUTH_FAILED', 'AUTH_FAILED', 'USER_DISABLED', 'USER_EXPIRED'])
  })

  it('lets in a client whose quota is used up: visitors are turned away then', async () => {
    const client = stage.addClient('poor', { limits: { quotaBytes: 1 } })
    client.account.count('up', 2)
    expect(await answerTo(whole('poor'))).toBe(`${CORE_MD5}sucsserved`)
  })

  it('closes on other versions, and on what is no purpose, without a word', async () => {
    const other = Buffer.from(HELLO.toString('latin1').replaceAll('0.26.0', '0.27.0'), 'latin1')
    expect(await answerTo(other)).toBe('')
    expect(await answerTo(whole(VKEY, 'what'))).toBe(`${CORE_MD5}sucs`)
  })

  it('lets in whoever has a key beside a flood of those who have none, and keeps nothing of these', async () => {
    const flood = Array.from({ length: 300 }, (_, i) => answerTo(whole(`guess ${i}`)))
    expect(await answerTo(whole())).toBe(`${CORE_MD5}sucsserved`)
    expect(new Set(await Promise.all(flood))).toEqual(new Set([`${CORE_MD5}vkey`]))
    await expect.poll(() => stage.program.sessions.size).toBe(0)
  })

  it('has addresses wait whose keys are wrong again and again, and tells them nothing meanwhile', async () => {
    guard.set({ failures: 3, backoffMs: 60_000 })
    const from = '127.0.0.77'
    const answers: string[] = []
    for (let i = 0; i < 5; i++) answers.push(await answerTo(whole('guess'), from))
    expect(answers).toEqual([...Array.from({ length: 3 }, () => `${CORE_MD5}vkey`), '', ''])
    expect(await answerTo(whole(), from)).toBe('')
    expect(await answerTo(whole(), '127.0.0.78')).toBe(`${CORE_MD5}sucsserved`)
  })

  it.each<[string, Uint8Array]>([
    ['HTTP', Buffer.from('GET / HTTP/1.1\r\nHost: x\r\n\r\n')],
    ['SSH', Buffer.from('SSH-2.0-x\r\n')],
    [
      'a version that is too long',
      Buffer.concat([Buffer.from('TST'), Buffer.alloc(4, 0xff), Buffer.alloc(64)]),
    ],
    ['nothing', Buffer.alloc(0)],
    ...Array.from(
      { length: 10 },
      (_, i) => [`random bytes ${i}`, randomBytes(100 * i + 1)] as [string, Uint8Array],
    ),
  ])('tells scanners nothing: %s', async (_, bytes) => {
    expect(await answerTo(bytes)).toBe('')
  })

  it('tells scanners nothing: TLS', async () => {
    const socket = connectTls({ ...at(), rejectUnauthorized: false })
    const failed = new Promise((resolve) => socket.on('error', resolve))
    expect(await failed).toMatchObject({ code: 'ECONNRESET' })
  })

  it('leaves nothing behind of handshakes that break off at any byte, or go silent there', async () => {
    const bytes = whole()
    const cut = Array.from({ length: bytes.length }, (_, size) => bytes.subarray(0, size))
    await Promise.all(cut.map((part) => answerTo(part)))
    const silent = await Promise.all(
      cut.map(async (part) => {
        const raw = await RawNpc.connect(at())
        raw.socket.write(part)
        return raw.rest()
      }),
    )
    const told = new Set(silent)
    expect(told).toEqual(new Set(['', CORE_MD5, `${CORE_MD5}sucs`]))
    expect(arrivals).toEqual([])
    await expect.poll(() => stage.program.sessions.size).toBe(0)
  })
})
