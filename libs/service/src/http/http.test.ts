import { createServer, STATUS_CODES } from 'node:http'
import { Duplex } from 'node:stream'
import { type Conn, refuse } from '@sluice/net'
import { basicCredentialsOf, encodeResponseHead, fieldValues } from '@sluice/wire'
import { afterEach, describe, expect, test } from 'vitest'
import { ServiceError } from '../errors.ts'
import type { ServedRequest, Serving } from '../request.ts'
import { signIn } from '../sign-in.ts'
import type { OtherRequest, OtherRequests } from './http.ts'
import { ADA, basic, BOB, heard, HttpStage, OK } from './testing/http-stage.ts'

let stage: HttpStage
afterEach(async () => {
  await stage[Symbol.asyncDispose]()
  if (stage.door.lines.join('').includes('INTERNAL')) throw new Error(stage.door.lines.join(''))
})

/** A conn as Node's own parser wants it. */
class ConnStream extends Duplex {
  readonly #conn: Conn

  constructor(conn: Conn) {
    super()
    this.#conn = conn
    conn.attach({
      onData: (chunk) => void this.push(Buffer.from(chunk)),
      onEnd: () => void this.push(null),
      onDrain: () => {},
      onClose: () => void this.destroy(),
    })
  }

  override _read(): void {
    this.#conn.resume()
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.#conn.write(chunk)
    done()
  }
}

const plain = (text: string): Uint8Array => Buffer.from(text, 'latin1')

/** Requests that Node's http reads again, all of it, and answers with what it has read. */
class Echoed implements ServedRequest {
  readonly protocol = 'api'
  readonly target = undefined
  readonly account: ServedRequest['account']
  readonly #asked: OtherRequest

  constructor(asked: OtherRequest) {
    this.#asked = asked
    this.account = asked.account
  }

  reject(code: string): Promise<void> {
    return refuse(this.#asked.conn, plain(`no ${code}`))
  }

  serve({ conn, account }: Serving): Promise<void> {
    const { form, credentials } = this.#asked
    const server = createServer((request, response) => {
      let body = ''
      request
        .on('data', (chunk: Buffer) => (body += chunk.toString()))
        .on('end', () => {
          const { method, url } = request
          response.end(JSON.stringify([form, account.name, credentials, method, url, body]))
        })
    })
    const stream = new ConnStream(conn)
    server.emit('connection', stream)
    return new Promise((resolve) => stream.once('close', resolve))
  }
}

const other: OtherRequests = {
  signIn: (head, reader, directory, guest) => {
    const [value] = fieldValues(head, 'authorization')
    if (value === undefined && guest !== undefined) return guest
    const pair = value === undefined ? undefined : basicCredentialsOf(value)
    if (pair === undefined) throw new ServiceError('AUTH_REQUIRED')
    return signIn(reader, directory, pair)
  },
  answerFor: (code, { keep, retryMs }) => {
    const status = code.startsWith('AUTH_') ? 401 : 400
    const fields: [string, string][] = [
      ['X-Code', `${code} ${keep} ${retryMs}`],
      ['Content-Length', '0'],
    ]
    return encodeResponseHead({ status, reason: STATUS_CODES[status]!, fields })
  },
  request: (asked) => new Echoed(asked),
}

const post = (login: string, target = '/v1/a?b'): string =>
  `POST ${target} HTTP/1.1\r\nHost: x\r\n${login}Content-Length: 5\r\n\r\nhello`
const get = (login: string, target = '/'): string => `GET ${target} HTTP/1.1\r\nHost: x\r\n${login}\r\n`
const OWN = `Authorization: ${basic(ADA)}\r\n`
const PROXY = `Proxy-Authorization: ${basic(ADA)}\r\n`

describe('a request that the door takes itself', () => {
  test('in origin-form is read again from its first byte, and so are those behind it', async () => {
    stage = await HttpStage.open({}, () => ({ other }))
    const client = await stage.client(post(OWN) + get(OWN, '/next'))
    const told = await heard(client, '/next')
    expect(told).toContain(JSON.stringify(['origin', 'ada', basic(ADA), 'POST', '/v1/a?b', 'hello']))
    expect(told).toContain(JSON.stringify(['origin', 'ada', basic(ADA), 'GET', '/next', '']))
    client.close()
    expect((await stage.door.end(client)).code).toBe('OK')
  })

  test('comes byte by byte', async () => {
    stage = await HttpStage.open({}, () => ({ other }))
    const client = await stage.client('')
    await client.drip(plain(post(OWN)))
    await heard(client, '"hello"]')
  })

  test('for https signs in as those that are forwarded', async () => {
    stage = await HttpStage.open({}, () => ({ other }))
    const url = 'https://example.com/x'
    const client = await stage.client(get('', url))
    const asked = await heard(client, '.\n')
    expect(asked).toMatch(/^HTTP\/1.1 407 [^]*Proxy-Authenticate: Basic/)
    client.send(plain(post(PROXY, url)))
    expect(await heard(client, '"hello"]')).toContain(
      JSON.stringify(['https', 'ada', basic(ADA), 'POST', url, 'hello']),
    )
  })

  test('is asked in its own words for credentials, and comes again', async () => {
    stage = await HttpStage.open({}, () => ({ other }))
    const client = await stage.client(get(PROXY))
    const asked = await heard(client, '\r\n\r\n')
    expect(asked).toMatch(/^HTTP\/1.1 401 [^]*X-Code: AUTH_REQUIRED true undefined/)
    client.send(plain(get('') + get(OWN)))
    const more = await heard(client, '"/"', asked.length)
    expect(more).toMatch(/^HTTP\/1.1 401 /)
  })

  test.each([
    ['with a body', () => post('')],
    ['with a body in chunks', () => get('Transfer-Encoding: chunked\r\n')],
    ['that wants to close', () => get('Connection: close\r\n')],
    ['of HTTP/1.0', () => 'GET / HTTP/1.0\r\n\r\n'],
  ])('%s and without credentials has no second try', async (_, text) => {
    stage = await HttpStage.open({}, () => ({ other }))
    const client = await stage.client(text())
    expect((await client.lastWords()).toString()).toMatch(/401 [^]*X-Code: AUTH_REQUIRED false/)
    expect((await stage.door.end(client)).code).toBe('AUTH_REQUIRED')
  })

  test('with a wrong password is told in its own words', async () => {
    stage = await HttpStage.open({}, () => ({ other }))
    const client = await stage.client(get(`Authorization: ${basic({ ...ADA, password: 'no' })}\r\n`))
    expect((await client.lastWords()).toString()).toMatch(/401 [^]*X-Code: AUTH_FAILED false/)
  })

  test('needs no credentials of a client that is known', async () => {
    stage = await HttpStage.open({}, (directory) => ({ other, known: directory.byId('bob') }))
    const client = await stage.client(get(OWN))
    expect(await heard(client, '"/"')).toContain(JSON.stringify(['origin', 'bob', null, 'GET', '/', '']))
  })

  test('may not follow one that was forwarded', async () => {
    stage = await HttpStage.open({}, () => ({ other }))
    for (const [text, code] of [
      [get(OWN), 'TARGET_FORM'],
      [get(PROXY, 'https://a/'), 'SCHEME_UNSUPPORTED'],
    ] as const) {
      const client = await stage.client(stage.get())
      const conn = await stage.target.next()
      await conn.take()
      conn.send(OK)
      const skip = (await heard(client, 'hello')).length
      client.send(plain(text))
      await client.lastWords()
      const told = client.received.toString().slice(skip)
      expect(told).toContain(`Sluice-Code: ${code}`)
      expect(told).toContain('Connection: close')
    }
  })

  test('does not take what has no meaning to anybody', async () => {
    stage = await HttpStage.open({}, () => ({ other }))
    for (const [target, code] of [
      ['*', 'TARGET_FORM'],
      ['ftp://a/', 'SCHEME_UNSUPPORTED'],
    ] as const) {
      const client = await stage.client(get(PROXY, target).replace('GET', 'OPTIONS'))
      expect((await client.lastWords()).toString()).toContain(`Sluice-Code: ${code}`)
    }
  })
})

describe('where anybody may come in', () => {
  const open = async (): Promise<void> => {
    stage = await HttpStage.open({}, ({ guest }) => ({ guest, other }))
  }
  const served = async (text: string): Promise<string | undefined> => {
    const client = await stage.client(text)
    const conn = await stage.target.next()
    await conn.take()
    conn.send(OK)
    await heard(client, 'hello')
    client.close()
    return (await stage.door.end(client)).user
  }

  test('a guest needs no credentials', async () => {
    await open()
    expect(await served(stage.get(''))).toBeUndefined()
    const tunnel = await stage.client(stage.connect(''))
    await heard(tunnel, '200 ')
    const own = await stage.client(get(''))
    await heard(own, JSON.stringify(['origin', null, null, 'GET', '/', '']))
  })

  test('credentials are checked all the same', async () => {
    await open()
    expect(await served(stage.get())).toBe('ada')
    const wrong = await stage.client(
      stage.get(`Proxy-Authorization: ${basic({ ...ADA, password: 'no' })}\r\n`),
    )
    expect((await wrong.lastWords()).toString()).toMatch(/^HTTP\/1.1 407 [^]*AUTH_FAILED/)
    const strange = await stage.client(stage.get('Proxy-Authorization: Bearer x\r\n'))
    expect(await heard(strange, '.\n')).toMatch(/^HTTP\/1.1 407 [^]*AUTH_REQUIRED/)
  })

  test.each([
    ['a guest may not become a user', '', PROXY],
    ['a user may not become a guest', PROXY, ''],
    ['nor another user', PROXY, `Proxy-Authorization: ${basic(BOB)}\r\n`],
  ])('%s on one connection', async (_, first, second) => {
    await open()
    const client = await stage.client(stage.get(first))
    const conn = await stage.target.next()
    await conn.take()
    conn.send(OK)
    const skip = (await heard(client, 'hello')).length
    client.send(plain(stage.get(second)))
    expect(await heard(client, '.\n', skip)).toMatch(/^HTTP\/1.1 407 /)
    expect(conn.received).toBe('')
  })
})
