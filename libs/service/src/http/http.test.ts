import { createServer } from 'node:http'
import { Duplex } from 'node:stream'
import { type Conn, type Reader, refuse } from '@sluice/net'
import { basicCredentialsOf, fieldValues, type RequestHead } from '@sluice/wire'
import { afterEach, describe, expect, test } from 'vitest'
import type { Account } from '../account.ts'
import type { Directory } from '../directory.ts'
import { codeOf, ServiceError } from '../errors.ts'
import type { ServedRequest, Serving } from '../request.ts'
import { signIn } from '../sign-in.ts'
import type { OtherRequests } from './http.ts'
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
  readonly account: Account
  readonly #conn: Conn

  constructor(conn: Conn, account: Account) {
    this.#conn = conn
    this.account = account
  }

  reject(code: string): Promise<void> {
    return refuse(this.#conn, plain(`no ${code}`))
  }

  serve({ conn, account }: Serving): Promise<void> {
    const server = createServer((request, response) => {
      let body = ''
      request
        .on('data', (chunk: Buffer) => (body += chunk.toString()))
        .on('end', () => {
          const { method, url } = request
          response.end(JSON.stringify([account.name, method, url, body]))
        })
    })
    const stream = new ConnStream(conn)
    server.emit('connection', stream)
    return new Promise((resolve) => stream.once('close', resolve))
  }
}

/** Lets in by Authorization, and takes all but `/none`. */
const other: OtherRequests = (head, reader, directory) => {
  if (head.target === '/none') return undefined
  return enter(head, reader, directory)
}

const enter = async (head: RequestHead, reader: Reader, directory: Directory): Promise<ServedRequest> => {
  const [value] = fieldValues(head, 'authorization')
  const pair = value === undefined ? undefined : basicCredentialsOf(value)
  try {
    if (pair === undefined) throw new ServiceError('AUTH_REQUIRED')
    return new Echoed(reader.conn, await signIn(reader, directory, pair))
  } catch (error) {
    await refuse(reader.conn, plain(`HTTP/1.1 401 ${codeOf(error)}\r\n\r\n`))
    throw error
  }
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
    expect(told).toContain(JSON.stringify(['ada', 'POST', '/v1/a?b', 'hello']))
    expect(told).toContain(JSON.stringify(['ada', 'GET', '/next', '']))
    client.close()
    expect((await stage.door.end(client)).code).toBe('OK')
  })

  test('comes byte by byte', async () => {
    stage = await HttpStage.open({}, () => ({ other }))
    const client = await stage.client('')
    await client.drip(plain(post(OWN)))
    await heard(client, '"hello"]')
  })

  test('may be for https', async () => {
    stage = await HttpStage.open({}, () => ({ other }))
    const url = 'https://example.com/x'
    const client = await stage.client(post(OWN, url))
    expect(await heard(client, '"hello"]')).toContain(JSON.stringify(['ada', 'POST', url, 'hello']))
  })

  test('may come once CONNECT has been asked for credentials', async () => {
    stage = await HttpStage.open({}, () => ({ other }))
    const client = await stage.client(stage.connect(''))
    const asked = await heard(client, '.\n')
    expect(asked).toMatch(/^HTTP\/1.1 407 /)
    client.send(plain(post(OWN)))
    await heard(client, '"hello"]')
  })

  test.each([
    ['without', '', 'AUTH_REQUIRED'],
    ['with wrong', `Authorization: ${basic({ ...ADA, password: 'no' })}\r\n`, 'AUTH_FAILED'],
  ])('%s credentials is refused in the words of who takes it, and no others', async (_, login, code) => {
    stage = await HttpStage.open({}, () => ({ other }))
    const client = await stage.client(get(login))
    expect((await client.lastWords()).toString()).toBe(`HTTP/1.1 401 ${code}\r\n\r\n`)
    expect((await stage.door.end(client)).code).toBe(code)
  })

  test('and does not, is refused as what cannot be forwarded', async () => {
    stage = await HttpStage.open({}, () => ({ other }))
    const client = await stage.client(get(OWN, '/none'))
    expect((await client.lastWords()).toString()).toMatch(/^HTTP\/1.1 400 [^]*TARGET_FORM/)
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
    stage = await HttpStage.open({}, ({ guest }) => ({ guest }))
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
