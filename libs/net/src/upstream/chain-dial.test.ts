import { getEventListeners } from 'node:events'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Conn } from '../conn.ts'
import { dialLoopback } from '../testing/loopback.ts'
import { CERTIFICATE } from '../testing/certificate.ts'
import { Collector } from '../testing/collector.ts'
import { held } from '../testing/held.ts'
import { NEVER, turns } from '../testing/loopback.ts'
import { freePort, OWN_HOST } from '../testing/own-loopback.ts'
import { openPeer, openRelay, openScripted, type Peer, type Script } from '../testing/scripted-proxy.ts'
import { type ChainDialOptions, dialChain } from './chain-dial.ts'
import { parseUpstreamUrl } from './upstream-url.ts'

const TARGET = { host: 'target.test', port: 7 }
const LOGIN = 'ada:p%40ss@'

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex')
const http = (text: string): Buffer[] => [Buffer.from(text.replaceAll('\n', '\r\n'))]

/** What a proxy of the protocol answers to a client with credentials. */
const WORDS = {
  http: {
    ok: http('HTTP/1.1 200 Connection established\nDate: now\n\n'),
    refused: http('HTTP/1.1 502 Bad Gateway\nSluice-Code: DIAL_REFUSED\nContent-Length: 2\n\nno'),
    auth: http('HTTP/1.1 407 Proxy Authentication Required\n\n'),
    garbage: http('SSH-2.0-OpenSSH_9.7\n'),
    wanted:
      'CONNECT target.test:7 HTTP/1.1\r\nHost: target.test:7\r\nProxy-Authorization: Basic YWRhOnBAc3M=\r\n\r\n',
  },
  socks5: {
    ok: [hex('05 02'), hex('01 00'), hex('05 00 00 01 c0000201 1234')],
    refused: [hex('05 02'), hex('01 00'), hex('05 05 00 01 00000000 0000')],
    auth: [hex('05 02'), hex('01 01')],
    garbage: http('SSH-2.0-OpenSSH_9.7\n'),
    wanted:
      '\u0005\u0002\u0000\u0002\u0001\u0003ada\u0004p@ss\u0005\u0001\u0000\u0003\u000btarget.test\u0000\u0007',
  },
} as const
type Protocol = keyof typeof WORDS

/** How the proxy that is looked at is reached: straight, or through these. */
const KINDS: readonly (readonly [
  name: string,
  protocol: Protocol,
  isSecure: boolean,
  by: readonly string[],
])[] = [
  ['http', 'http', false, []],
  ['https', 'http', true, []],
  ['socks5', 'socks5', false, []],
  ['socks5s', 'socks5', true, []],
  ['socks5 → http', 'http', false, ['socks5']],
  ['http → socks5', 'socks5', false, ['http']],
  ['https → https', 'http', true, ['https']],
  ['http → socks5 → https', 'http', true, ['http', 'socks5']],
]

const SCHEMES: Record<string, string> = {
  http: 'http',
  httptrue: 'https',
  socks5: 'socks5',
  socks5true: 'socks5s',
}

const peers: Peer[] = []
const keep = (peer: Peer): Peer => {
  peers.push(peer)
  return peer
}

const dial = (options: Partial<ChainDialOptions> & Pick<ChainDialOptions, 'hops'>): Promise<Conn> =>
  dialChain({
    target: TARGET,
    dial: dialLoopback(),
    ca: CERTIFICATE,
    reachMs: 4000,
    deadlineMs: 10_000,
    signal: NEVER,
    ...options,
  })

const outcome = async (dialling: Promise<Conn>): Promise<unknown> => {
  try {
    const conn = await dialling
    conn.destroy()
    return 'OK'
  } catch (error) {
    return (error as { code?: string }).code ?? error
  }
}

let before: number
beforeEach(async () => {
  await turns()
  before = held().sockets
})
afterEach(async () => {
  vi.useRealTimers()
  for (const peer of peers.splice(0)) peer[Symbol.dispose]()
  for (let i = 0; held().sockets > before; i++) {
    if (i === 1000) throw new Error('a socket was left open')
    await turns()
  }
})

describe.each(KINDS)('through %s', (_, protocol, isSecure, by) => {
  const words = WORDS[protocol]
  const scheme = SCHEMES[`${protocol}${isSecure || ''}`]!
  let proxy: Peer
  let script: Script

  /** The hops to a proxy that follows the script, or to another place. */
  const hopsTo = async (elsewhere?: string) => {
    proxy = keep(await openScripted(() => script, isSecure))
    const relays = await Promise.all(
      by.map(async (url) => {
        const relay = keep(await openRelay(url.startsWith('http') ? 'http' : 'socks5', url === 'https'))
        return `${url}://127.0.0.1:${relay.port}`
      }),
    )
    return [...relays, `${scheme}://${LOGIN}${elsewhere ?? `127.0.0.1:${proxy.port}`}`].map(parseUpstreamUrl)
  }

  const told = async (answers: readonly Buffer[], cutAt?: number): Promise<unknown> => {
    script = { answers, ...(cutAt !== undefined && { cutAt }) }
    return outcome(dial({ hops: await hopsTo() }))
  }

  it('reaches the target, and loses nothing of what it says with the answer', async () => {
    script = { answers: [...words.ok.slice(0, -1), Buffer.concat([words.ok.at(-1)!, Buffer.from('early ')])] }
    const conn = await dial({ hops: await hopsTo() })
    expect(Buffer.concat(proxy.messages).toString('latin1')).toBe(words.wanted)
    const here = new Collector(conn)
    conn.write(Buffer.from('ping'))
    await here.until(() => here.size >= 10)
    expect(here.text).toBe('early ping')
    conn.end()
    proxy.sockets.forEach((socket) => socket.end())
    await here.until(() => here.has('close'))
    expect(here.events.slice(-2)).toEqual(['end', 'close'])
  })

  it('is told that the target refuses', async () => {
    expect(await told(words.refused)).toBe('DIAL_REFUSED')
  })

  it('is told that the credentials are wrong', async () => {
    expect(await told(words.auth)).toBe('UPSTREAM_AUTH')
  })

  it('finds a proxy dead', async () => {
    script = { answers: [] }
    const hops = await hopsTo(`${OWN_HOST}:${freePort()}`)
    expect(await outcome(dial({ hops }))).toBe('UPSTREAM_FAILED')
  })

  it('finds a proxy that speaks another protocol', async () => {
    expect(await told(words.garbage)).toBe('UPSTREAM_FAILED')
  })

  it('finds an answer that never ends', async () => {
    expect(await told([Buffer.alloc(100_000, 0x20)])).toBe('UPSTREAM_FAILED')
  })

  it('finds an answer that is cut at any byte', async () => {
    const hops = await hopsTo()
    const { length } = Buffer.concat(words.ok)
    for (let cutAt = 0; cutAt < length; cutAt++) {
      script = { answers: words.ok, cutAt }
      expect([cutAt, await outcome(dial({ hops }))]).toEqual([cutAt, 'UPSTREAM_FAILED'])
    }
  })

  it('waits for the target as long as the dial may take, and for the proxy only as long as that may', async () => {
    script = { answers: [...words.ok.slice(0, -1), Buffer.alloc(0)] }
    const hops = await hopsTo()
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    const settled = outcome(dial({ hops }))
    await proxy.received(words.ok.length)
    await vi.advanceTimersByTimeAsync(9999)
    expect(vi.getTimerCount()).toBe(1)
    await vi.advanceTimersByTimeAsync(1)
    expect([await settled, vi.getTimerCount()]).toEqual(['DIAL_TIMEOUT', 0])
  })

  it('is given up with the reason of the signal, at any moment', async () => {
    script = { answers: words.ok.map(() => Buffer.alloc(0)) }
    const hops = await hopsTo()
    const left = new Error('left')
    for (const moment of ['at once', 'soon', 'asked']) {
      const abort = new AbortController()
      if (moment === 'at once') abort.abort(left)
      const settled = outcome(dial({ hops, signal: abort.signal }))
      if (moment === 'soon') await turns(1)
      if (moment === 'asked') await proxy.received(1)
      abort.abort(left)
      expect(await settled).toBe(left)
      expect(getEventListeners(abort.signal, 'abort')).toEqual([])
    }
  })
})

describe('a proxy that is silent before it was asked for the target', () => {
  it.each([
    ['socks5', 'not at all', []],
    ['socks5', 'in the sign-in', [hex('05 02')]],
  ] as const)('%s: %s', async (_, _when, answers) => {
    const proxy = keep(
      await openScripted(() => ({ answers: [...answers, Buffer.alloc(0), Buffer.alloc(0)] })),
    )
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    const hops = [parseUpstreamUrl(`socks5://${LOGIN}127.0.0.1:${proxy.port}`)]
    const settled = outcome(dial({ hops }))
    await proxy.received(answers.length + 1)
    await vi.advanceTimersByTimeAsync(4000)
    expect([await settled, vi.getTimerCount()]).toEqual(['UPSTREAM_FAILED', 0])
  })

  it('TLS', async () => {
    const proxy = keep(await openPeer(() => {}))
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    const settled = outcome(dial({ hops: [parseUpstreamUrl(`https://127.0.0.1:${proxy.port}`)] }))
    await proxy.received(1)
    await vi.advanceTimersByTimeAsync(4000)
    expect([await settled, vi.getTimerCount()]).toEqual(['UPSTREAM_FAILED', 0])
  })
})

describe('HTTP', () => {
  it.each([
    ['HTTP/1.1 201 Created\nContent-Length: 5\n\n', 'OK'],
    ['HTTP/1.0 200\n\n', 'OK'],
    ['HTTP/1.1 100 Continue\n\nHTTP/1.1 103 Early Hints\n\nHTTP/1.1 200 OK\n\n', 'OK'],
    ['HTTP/1.1 100 Continue\n\n'.repeat(9), 'UPSTREAM_FAILED'],
    ['HTTP/1.1 301 Moved\nLocation: /\n\n', 'DIAL_FAILED'],
    ['HTTP/1.1 400 Bad Request\n\n', 'DIAL_FAILED'],
    ['HTTP/1.1 403 Forbidden\n\n', 'TARGET_DENIED'],
    ['HTTP/1.1 405 Method Not Allowed\n\n', 'UPSTREAM_FAILED'],
    ['HTTP/1.1 429 Too Many Requests\nSluice-Code: QUOTA_EXCEEDED\n\n', 'UPSTREAM_FAILED'],
    ['HTTP/1.1 500 Unable to connect\n\n', 'DIAL_FAILED'],
    ['HTTP/1.1 502 Bad Gateway\n\n', 'DIAL_FAILED'],
    ['HTTP/1.1 502 Bad Gateway\nSluice-Code: DIAL_NAME_UNKNOWN\n\n', 'DIAL_NAME_UNKNOWN'],
    ['HTTP/1.1 503 Service Unavailable\nSluice-Code: DIAL_LOCAL_LIMIT\n\n', 'DIAL_FAILED'],
    ['HTTP/1.1 504 Gateway Timeout\n\n', 'DIAL_TIMEOUT'],
    ['HTTP/2 200 OK\n\n', 'UPSTREAM_FAILED'],
  ])('%j', async (answer, code) => {
    const proxy = keep(await openScripted(() => ({ answers: http(answer) })))
    const hops = [parseUpstreamUrl(`http://127.0.0.1:${proxy.port}`)]
    expect(await outcome(dial({ hops }))).toBe(code)
  })
})

describe('SOCKS5', () => {
  it.each([
    [0, 'OK'],
    [1, 'DIAL_FAILED'],
    [2, 'TARGET_DENIED'],
    [3, 'DIAL_UNREACHABLE_NETWORK'],
    [4, 'DIAL_UNREACHABLE_HOST'],
    [5, 'DIAL_REFUSED'],
    [6, 'DIAL_TIMEOUT'],
    [7, 'UPSTREAM_FAILED'],
    [8, 'DIAL_UNREACHABLE_NETWORK'],
    [9, 'DIAL_FAILED'],
    [255, 'DIAL_FAILED'],
  ])('reply %i', async (reply, code) => {
    const answers = [hex('05 00'), Buffer.of(5, reply, 0, 1, 0, 0, 0, 0, 0, 0)]
    const proxy = keep(await openScripted(() => ({ answers })))
    expect(await outcome(dial({ hops: [parseUpstreamUrl(`socks5://127.0.0.1:${proxy.port}`)] }))).toBe(code)
    expect(proxy.messages[0]).toEqual(hex('05 01 00'))
  })

  it.each([
    ['05 ff', 'UPSTREAM_AUTH'],
    ['05 02', 'UPSTREAM_FAILED'],
    ['05 01', 'UPSTREAM_FAILED'],
    ['04 5a', 'UPSTREAM_FAILED'],
  ])('method %s for a client without credentials', async (answer, code) => {
    const proxy = keep(await openScripted(() => ({ answers: [hex(answer)] })))
    expect(await outcome(dial({ hops: [parseUpstreamUrl(`socks5://127.0.0.1:${proxy.port}`)] }))).toBe(code)
  })
})

describe('TLS', () => {
  const secure = (): Promise<Peer> => openScripted(() => ({ answers: WORDS.http.ok }), true)

  it('names the proxy to it, unless it is an address', async () => {
    const proxy = keep(await secure())
    for (const host of ['localhost', '127.0.0.1'])
      expect(await outcome(dial({ hops: [parseUpstreamUrl(`https://${host}:${proxy.port}`)] }))).toBe('OK')
    expect(proxy.servernames).toEqual(['localhost', false])
  })

  it('takes no certificate of others, nor one that nobody vouches for', async () => {
    const proxy = keep(await secure())
    const of = (host: string) => [parseUpstreamUrl(`https://${host}:${proxy.port}`)]
    expect(await outcome(dial({ hops: of('127.0.0.2') }))).toBe('UPSTREAM_FAILED')
    expect(await outcome(dial({ hops: of('localhost'), ca: undefined }))).toBe('UPSTREAM_FAILED')
    expect(proxy.messages).toEqual([])
  })

  it('is not taken up where somebody speaks first', async () => {
    const relay = keep(await openRelay('http'))
    const early = keep(await openPeer(() => {}, { onSocket: (socket) => void socket.write('220 hello\r\n') }))
    const hops = [`http://127.0.0.1:${relay.port}`, `https://127.0.0.1:${early.port}`].map(parseUpstreamUrl)
    expect(await outcome(dial({ hops }))).toBe('UPSTREAM_FAILED')
  })

  it('passes a reset on', async () => {
    const proxy = keep(await secure())
    const conn = await dial({ hops: [parseUpstreamUrl(`https://localhost:${proxy.port}`)] })
    const [socket] = proxy.sockets
    const broke = new Promise((resolve) => socket!.on('error', resolve))
    conn.reset()
    expect(await broke).toMatchObject({ code: 'ECONNRESET' })
  })
})

it('says which proxy it was, and never a password', async () => {
  const dead = `${OWN_HOST}:${freePort()}`
  const failure = dial({ hops: [parseUpstreamUrl(`socks5://ada:secret@${dead}`)] })
  await expect(failure).rejects.toMatchObject({
    message: `socks5://${dead}: ${dead}: connect ECONNREFUSED ${dead}`,
  })
})
