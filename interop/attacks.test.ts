import { once } from 'node:events'
import { createSocket } from 'node:dgram'
import { readdirSync, readFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { BODY, httpOrigin, type Origin, tcpOrigin } from './origin.ts'
import { run, start, stop } from './process.ts'
import { PYTHON } from './programs.ts'
import { Sluice } from './sluice.ts'

const ATTACKER = '127.0.0.2'
const NEIGHBOUR = '127.0.0.3'
const LOGIN = 'ada:secret'
const HANDSHAKE_S = 3
const KEEP_ALIVE_S = 5
const BASIC = `Proxy-Authorization: Basic ${Buffer.from(LOGIN).toString('base64')}\r\n`
const MIB = 1024 * 1024
/** As many sockets are being opened at a time. */
const AT_ONCE = 200

let sluice: Sluice
let origin: Origin
let crowd: Socket[]

beforeEach(async () => {
  crowd = []
  origin = await httpOrigin()
  sluice = await Sluice.start(
    undefined,
    '--handshake-timeout',
    String(HANDSHAKE_S),
    '--keep-alive-timeout',
    String(KEEP_ALIVE_S),
  )
  await sluice.add('ada', 'secret')
})
afterEach(async () => {
  for (const socket of crowd) socket.destroy()
  await sluice[Symbol.asyncDispose]()
  origin[Symbol.dispose]()
})

/** Opens `count` connections from the attacker's address; `use` gets each one that is open. */
const attack = async (count: number, use: (socket: Socket) => void): Promise<void> => {
  const [host, port] = sluice.http.split(':')
  for (let begun = 0; begun < count; begun += AT_ONCE) {
    const sockets = Array.from({ length: Math.min(AT_ONCE, count - begun) }, () =>
      connect({ host: host!, port: Number(port), localAddress: ATTACKER }).on('error', () => {}),
    )
    crowd.push(...sockets)
    await Promise.all(sockets.map((socket) => once(socket, 'connect')))
    for (const socket of sockets) use(socket)
  }
}

/** All that came until the proxy closed. */
const lastWords = async (socket: Socket): Promise<string> => {
  let text = ''
  socket.setEncoding('latin1').on('data', (chunk: string) => (text += chunk))
  if (!socket.closed) await once(socket, 'close')
  return text
}

/** Somebody else downloads 3 MB, five times, from another address. */
const neighbourIsServed = async (): Promise<void> => {
  for (let i = 0; i < 5; i++) {
    const url = `http://127.0.0.1:${origin.port}/`
    const flags = ['-sS', '--fail', '--max-time', '20', '--interface', NEIGHBOUR, '--noproxy', '']
    const proxy = ['--socks5', sluice.socks, '--proxy-user', LOGIN]
    const { stdout, stderr } = await run('curl', [...flags, ...proxy, url])
    expect(stderr).toBe('')
    expect(stdout.equals(BODY)).toBe(true)
  }
}

const rssBytes = (): number =>
  Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${sluice.pid}/status`, 'latin1'))?.[1]) * 1024

const descriptors = (): number => readdirSync(`/proc/${sluice.pid}/fd`).length
const metrics = async (): Promise<string> =>
  (await run('curl', ['-sS', `http://${sluice.ops}/metrics`])).stdout.toString()
const metric = async (series: string): Promise<number> => {
  const line = (await metrics()).split('\n').find((each) => each.startsWith(`${series} `))
  return Number(line?.split(' ')[1])
}

describe('nobody else notices', () => {
  test('5,000 connections of one address that say nothing', async () => {
    const before = rssBytes()
    await attack(5000, (socket) => socket.resume())
    await neighbourIsServed()
    expect(rssBytes() - before).toBeLessThan(100 * MIB)
    await Promise.all(crowd.filter(({ closed }) => !closed).map((socket) => once(socket, 'close')))
    const refused = (): Promise<number> =>
      metric('sluice_sessions_total{door="http",code="UNAUTHENTICATED_LIMIT"}')
    await expect.poll(refused).toBeGreaterThan(3000)
  })

  test('1,000 heads that come a byte at a time', async () => {
    const head = `CONNECT 127.0.0.1:${origin.port} HTTP/1.1\r\n${'X-Filler: 1\r\n'.repeat(50)}`
    const answers: Promise<string>[] = []
    await attack(1000, (socket) => {
      let at = 0
      const drip = setInterval(() => socket.write(head.charAt(at++)), 50)
      socket.on('close', () => clearInterval(drip))
      answers.push(lastWords(socket))
    })
    await neighbourIsServed()
    for (const answer of await Promise.all(answers)) expect(answer).toMatch(/^HTTP\/1\.1 408 |^$/)
    await expect.poll(() => sluice.log).toContain('"code":"HANDSHAKE_TIMEOUT"')
  })

  test('3,000 requests for targets that are denied', async () => {
    const before = rssBytes()
    const answers: Promise<string>[] = []
    const request = `CONNECT 10.0.0.1:80 HTTP/1.1\r\nHost: 10.0.0.1:80\r\n${BASIC}\r\n`
    const served = neighbourIsServed()
    await attack(3000, (socket) => {
      socket.write(request)
      answers.push(lastWords(socket))
    })
    await served
    for (const answer of await Promise.all(answers)) expect(answer).toMatch(/^HTTP\/1\.1 403 /)
    expect(rssBytes() - before).toBeLessThan(100 * MIB)
  })

  test('1,000 downloads that nobody reads any more', async () => {
    const before = rssBytes()
    const script = join(import.meta.dirname, 'stalled.py')
    const stalled = start(PYTHON, [script, ...sluice.http.split(':'), LOGIN, '1000', ATTACKER])
    try {
      const [word] = (await once(stalled.stdout, 'data')) as [Buffer]
      expect(String(word)).toBe('stalled\n')
      await neighbourIsServed()
      // As docs/limits.md has it: what buffers may grow to, each connection, and what is not collected yet.
      expect(rssBytes() - before).toBeLessThan(64 * MIB + 1000 * 64 * 1024 + 96 * MIB)
    } finally {
      await stop(stalled)
    }
  })

  test('2,000 connections of plain HTTP that want nothing more', async () => {
    using small = await tcpOrigin((socket) => {
      socket.on('data', () => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'))
    })
    const [before, descriptorsBefore] = [rssBytes(), descriptors()]
    const request = `GET http://127.0.0.1:${small.port}/ HTTP/1.1\r\nHost: x\r\n${BASIC}\r\n`
    const answers: Promise<unknown>[] = []
    await attack(2000, (socket) => {
      socket.write(request)
      answers.push(once(socket, 'data'))
    })
    for (const [bytes] of (await Promise.all(answers)) as [Buffer][])
      expect(String(bytes)).toMatch(/^HTTP\/1\.1 200 /)
    await neighbourIsServed()
    expect(rssBytes() - before).toBeLessThan(100 * MIB)
    // They were told nothing of an end, and it comes to all of them.
    await Promise.all(crowd.filter(({ closed }) => !closed).map((socket) => once(socket, 'close')))
    await expect.poll(descriptors).toBeLessThan(descriptorsBefore + 20)
    expect(await metric('sluice_sessions_active{door="http"}')).toBe(0)
  })

  test('20,000 datagrams from an address that has no association', async () => {
    const [host = '', port] = sluice.socks.split(':')
    const control = connect(Number(port), host)
    crowd.push(control)
    let reply: Buffer = Buffer.alloc(0)
    for (const message of ['050102', '010361646106736563726574', '05030001000000000000']) {
      control.write(Buffer.from(message, 'hex'))
      ;[reply] = (await once(control, 'data')) as [Buffer]
    }
    const relay = reply.readUInt16BE(8)
    const before = rssBytes()
    const flood = createSocket('udp4').bind(0, ATTACKER)
    const dropped = (): Promise<number> =>
      metric('sluice_datagrams_dropped_total{door="socks",reason="client"}')
    try {
      const bytes = Buffer.concat([Buffer.from('000000017f0000010035', 'hex'), Buffer.alloc(1000)])
      const send = async (count: number): Promise<void> => {
        for (let sent = 0; sent < count; sent += AT_ONCE) {
          const batch = Array.from(
            { length: AT_ONCE },
            () => new Promise((resolve) => flood.send(bytes, relay, host, resolve)),
          )
          await Promise.all(batch)
        }
      }
      await send(20_000)
      await neighbourIsServed()
      // The kernel drops what comes faster than it is read.
      const droppedOfMore = async (): Promise<number> => {
        await send(AT_ONCE)
        return dropped()
      }
      await expect.poll(droppedOfMore).toBeGreaterThan(1000)
      expect(rssBytes() - before).toBeLessThan(50 * MIB)
      expect(await metric('sluice_datagrams_total{door="socks",direction="up"}')).toBe(0)
    } finally {
      flood.close()
    }
  })
})
