import { decodeResponseHead, encodePreamble, fieldValues, formatAddress } from '@sluice/wire'
import { TestClient } from '@sluice/service/testing'
import { describe, it } from 'vitest'
import { configOf, openOrigin, openTestDoor } from './testing/test-door.ts'

const ADA = { name: 'ada', password: 'secret' }
const login = (user: { name: string; password: string }): string =>
  `Proxy-Authorization: Basic ${Buffer.from(`${user.name}:${user.password}`).toString('base64')}\r\n`

/** Sends a request and gives the status and the code of the answer. */
const ask = async (client: TestClient, url: string, fields = ''): Promise<[number, string | undefined]> => {
  client.send(Buffer.from(`GET ${url} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n${fields}\r\n`))
  return answerOf(client)
}

const answerOf = async (client: TestClient): Promise<[number, string | undefined]> => {
  await client.lastWords()
  const { value: head } = decodeResponseHead(client.received)!
  return [head.status, fieldValues(head, 'sluice-code')[0]]
}

describe.concurrent('the door', () => {
  it('lets anybody in on loopback until there is a user', async ({ expect }) => {
    await using origin = await openOrigin((_request, response) => response.end('hello'))
    await using test = await openTestDoor([])
    const url = `http://${formatAddress(origin)}/`
    expect(await ask(await TestClient.connect(test.door.proxy), url)).toEqual([200, undefined])
    expect(await ask(await TestClient.connect(test.door.proxy), url, login(ADA))).toEqual([
      407,
      'AUTH_FAILED',
    ])
    await using known = await openTestDoor([ADA])
    expect(await ask(await TestClient.connect(known.door.proxy), url)).toEqual([407, 'AUTH_REQUIRED'])
    expect(await ask(await TestClient.connect(known.door.proxy), url, login(ADA))).toEqual([200, undefined])
    await using open = await openTestDoor([ADA], '--listen', '0.0.0.0:0', '--open')
    const here = { host: '127.0.0.1', port: open.door.proxy.port }
    expect(await ask(await TestClient.connect(here), url)).toEqual([200, undefined])
    expect(await ask(await TestClient.connect(here), url, login(ADA))).toEqual([200, undefined])
  })

  it('does not listen beyond loopback for nobody', async ({ expect }) => {
    const listen = ['--listen', '0.0.0.0:0']
    await expect(openTestDoor([], ...listen)).rejects.toThrow(
      '--listen: 0.0.0.0:0 is not loopback and there is no user: add one with "user add NAME", or give --open',
    )
    await using test = await openTestDoor([ADA], ...listen)
    expect(test.door.proxy.host).toBe('0.0.0.0')
    await using open = await openTestDoor([], ...listen, '--open')
    expect(open.door.proxy.host).toBe('0.0.0.0')
  })

  it('turns away connections beyond the most at once, and takes others when there is room', async ({
    expect,
  }) => {
    await using test = await openTestDoor([], '--max-connections', '2')
    const [first, second] = [
      await TestClient.connect(test.door.proxy),
      await TestClient.connect(test.door.proxy),
    ]
    await expect.poll(() => test.program.sessions.size).toBe(2)
    const third = await TestClient.connect(test.door.proxy)
    expect(await answerOf(third)).toEqual([503, 'CONNECTIONS_FULL'])
    expect(third.received.toString()).toContain('Retry-After: 1\r\n')
    expect(await test.journal.end({ nth: 0 })).toMatchObject({ code: 'CONNECTIONS_FULL' })
    first.close()
    await expect.poll(() => test.program.sessions.size).toBe(1)
    expect(await ask(await TestClient.connect(test.door.proxy), 'nonsense')).toEqual([400, 'TARGET_FORM'])
    await test.program.reload(configOf('--max-connections', '1'))
    expect(await answerOf(await TestClient.connect(test.door.proxy))).toEqual([503, 'CONNECTIONS_FULL'])
    second.close()
  })

  it('gives a user with a limit all of a large answer, by the API and as a proxy', async ({ expect }) => {
    await using test = await openTestDoor([{ ...ADA, limits: { down: 8_000_000 } }])
    await using origin = await openOrigin((_request, response) => response.end(Buffer.alloc(500_000)))
    const url = `http://${formatAddress(origin)}/`
    const stream = await TestClient.connect(test.door.proxy)
    const body = encodePreamble(JSON.stringify({ url }))
    const fields = `${login(ADA).replace('Proxy-', '')}Content-Length: ${body.length}\r\n`
    const type = 'Content-Type: application/vnd.sluice.request\r\nConnection: close\r\n'
    stream.send(Buffer.from(`POST /v1/requests HTTP/1.1\r\nHost: x\r\n${type}${fields}\r\n`))
    stream.send(body)
    await stream.lastWords()
    expect(stream.received.length).toBeGreaterThan(500_000)
    const proxied = await TestClient.connect(test.door.proxy)
    await ask(proxied, url, login(ADA))
    expect(proxied.received.length).toBeGreaterThan(500_000)
  })

  it('announces nothing behind an answer to a client that could not read it', async ({ expect }) => {
    await using test = await openTestDoor([])
    await using origin = await openOrigin((_request, response) => response.end('ok'))
    const client = await TestClient.connect(test.door.proxy)
    const body = encodePreamble(JSON.stringify({ url: `http://${formatAddress(origin)}/` }))
    const fields = `Content-Type: application/vnd.sluice.request\r\nContent-Length: ${body.length}\r\n`
    client.send(Buffer.from(`POST /v1/requests HTTP/1.0\r\nHost: x\r\n${fields}\r\n`))
    client.send(body)
    expect(await answerOf(client)).toEqual([200, undefined])
  })

  it('asks nobody of an open door to hurry with signing in', async ({ expect }) => {
    await using test = await openTestDoor([], '--unauthenticated-per-ip', '1')
    const clients = await Promise.all(Array.from({ length: 5 }, () => TestClient.connect(test.door.proxy)))
    await expect.poll(() => test.program.sessions.size).toBe(5)
    for (const client of clients) client.close()
    await using known = await openTestDoor([ADA], '--unauthenticated-per-ip', '1')
    const early = await TestClient.connect(known.door.proxy)
    await expect.poll(() => known.program.sessions.size).toBe(1)
    const late = await TestClient.connect(known.door.proxy)
    expect(await known.journal.end({ nth: 0 })).toMatchObject({ code: 'UNAUTHENTICATED_LIMIT' })
    for (const client of [early, late]) client.close()
  })

  it('takes clients of some networks alone, where that was said', async ({ expect }) => {
    await using test = await openTestDoor([], '--allow-client', '127.0.0.2')
    expect(await answerOf(await TestClient.connect(test.door.proxy))).toEqual([403, 'ADDRESS_DENIED'])
    const client = await TestClient.connect(test.door.proxy, { from: '127.0.0.2' })
    expect(await ask(client, 'nonsense')).toEqual([400, 'TARGET_FORM'])
  })

  it('has no words for whom nobody understands', async ({ expect }) => {
    await using test = await openTestDoor([])
    const client = await TestClient.connect(test.door.proxy)
    client.send(Buffer.of(0x16, 3, 1))
    await client.lastWords()
    expect(client.received.length).toBe(0)
    expect(await test.journal.end({ nth: 0 })).toMatchObject({ code: 'PROTOCOL_UNSUPPORTED' })
  })

  it.for([
    [['--tls', '127.0.0.1:0'], '--tls wants a certificate and its key'],
    [['--tls-cert', 'x'], '--tls is missing'],
  ] as const)('does not open with %j', async ([argv, message], { expect }) => {
    await expect(openTestDoor([], ...argv)).rejects.toThrow(message)
  })

  it('serves others of an origin while clients take nothing of what they asked for', async ({ expect }) => {
    await using origin = await openOrigin(({ url }, response) => {
      if (url === '/') return void response.end('hello')
      const more = (): void => {
        while (response.write('x'.repeat(100_000)));
      }
      response.on('drain', more)
      return more()
    })
    await using test = await openTestDoor([], '--slots', '1', '--request-timeout', '50ms')
    const base = `http://${formatAddress(origin)}`
    const preamble = encodePreamble(JSON.stringify({ url: `${base}/endless` }))
    const head = `POST /v1/requests HTTP/1.1\r\nHost: x\r\nContent-Type: application/vnd.sluice.request\r\n`
    const streamed = `${head}Content-Length: ${preamble.length}\r\n\r\n${Buffer.from(preamble).toString('latin1')}`
    for (const request of [streamed, `GET ${base}/endless HTTP/1.1\r\nHost: x\r\n\r\n`]) {
      const slow = await TestClient.connect(test.door.proxy)
      slow.pause()
      slow.send(Buffer.from(request, 'latin1'))
    }
    const url = Buffer.from(JSON.stringify({ url: `${base}/` }))
    const asked = `POST /v1/requests HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nConnection: close\r\n`
    const client = await TestClient.connect(test.door.proxy)
    client.send(Buffer.from(`${asked}Content-Length: ${url.length}\r\n\r\n${url.toString()}`))
    expect(await answerOf(client)).toEqual([200, undefined])
    expect(await ask(await TestClient.connect(test.door.proxy), `${base}/`)).toEqual([200, undefined])
  })
})
