import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect as connectSecurely, type ConnectionOptions } from 'node:tls'
import { createAuthority, type Identity } from '@sluice/net/testing'
import { TestClient } from '@sluice/service/testing'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { DIALECTS } from './testing/dialects.ts'
import { configOf, echo, openOrigin, openTestProgram, type TestProgram } from './testing/test-program.ts'

const ADA = { name: 'ada', password: 'right-horse' }
const authority = createAuthority()
const trust = { ca: authority.cert, servername: 'localhost' }
const folder = mkdtempSync(join(tmpdir(), 'remote-proxy-tls-'))
afterAll(() => rmSync(folder, { recursive: true }))

const write = (name: string, text: string): string => {
  const path = join(folder, name)
  writeFileSync(path, text)
  return path
}
let files = 0
/** Flags for a TLS listener with a certificate of its own, and where that lies. */
const flagsFor = ({ cert, key }: Identity): { cert: string; key: string; flags: string[] } => {
  const name = String(files++)
  const paths = { cert: write(`${name}.crt`, cert), key: write(`${name}.key`, key) }
  return { ...paths, flags: ['--tls', '127.0.0.1:0', '--tls-cert', paths.cert, '--tls-key', paths.key] }
}
const open = (...flags: string[]): Promise<TestProgram> =>
  openTestProgram([ADA], '--allow', '127.0.0.0/8', ...flagsFor(authority.issue('localhost')).flags, ...flags)

const come = ({ door }: TestProgram, tls: ConnectionOptions = trust): Promise<TestClient> =>
  TestClient.connect(door.tls!, { tls })

/** The serial number that the listener shows to a new client. */
const serialShown = async ({ door }: TestProgram): Promise<string> => {
  const socket = connectSecurely({ ...door.tls!, ...trust })
  await once(socket, 'secureConnect')
  const { serialNumber } = socket.getPeerCertificate()
  socket.destroy()
  return serialNumber
}

describe.each(DIALECTS)('$name over TLS', (dialect) => {
  test('works as without, half-closes included', async () => {
    await using proxy = await open()
    using origin = await openOrigin(echo)
    const client = await TestClient.connect(proxy.door.tls!, { half: true, tls: trust })
    const payload = Buffer.alloc(1_000_000, 'sluice')
    client.send(Buffer.concat([...dialect.messages(origin, ADA), payload]))
    client.finish()
    const all = await client.lastWords()
    expect(all.subarray(-payload.length).equals(payload)).toBe(true)
    const { length } = payload
    expect(await proxy.journal.end(client)).toMatchObject({
      code: 'OK',
      user: 'ada',
      up: length,
      down: length,
    })
  })

  test('tells why not', async () => {
    await using proxy = await open()
    const client = await come(proxy)
    client.send(Buffer.concat(dialect.messages({ host: '10.0.0.1', port: 1 }, ADA)))
    dialect.expectRefused(await client.lastWords(), 'TARGET_DENIED')
  })
})

test('a handshake that fails is an outcome like any other', async () => {
  await using proxy = await open()
  const client = await TestClient.connect(proxy.door.tls!)
  client.send(Buffer.from('GET / HTTP/1.1\r\n\r\n'))
  await client.rest()
  expect(await proxy.journal.end(client)).toMatchObject({ code: 'TLS_FAILED', up: 0, down: 0 })
  expect(await proxy.program.metrics.registry.metrics()).toContain(
    'sluice_sessions_total{door="tls",code="TLS_FAILED"} 1',
  )
})

test('a client that says nothing is bounded in time and number', async () => {
  await using proxy = await open('--handshake-timeout', '200ms', '--unauthenticated-per-ip', '2')
  const silent = await Promise.all([1, 2].map(() => TestClient.connect(proxy.door.tls!)))
  const third = await TestClient.connect(proxy.door.tls!)
  await third.rest()
  expect((await proxy.journal.end(third)).code).toBe('UNAUTHENTICATED_LIMIT')
  for (const client of silent) {
    await client.rest()
    expect((await proxy.journal.end(client)).code).toBe('HANDSHAKE_TIMEOUT')
  }
  const client = await come(proxy)
  client.close()
})

test('a handshake that stops halfway is bounded as well', async () => {
  await using proxy = await open('--handshake-timeout', '100ms')
  const client = await TestClient.connect(proxy.door.tls!)
  client.send(Buffer.of(0x16, 3, 1, 2, 0, 1))
  await client.rest()
  expect((await proxy.journal.end(client)).code).toBe('HANDSHAKE_TIMEOUT')
})

describe('client certificates', () => {
  const strict = { clientCa: '' }
  beforeAll(() => {
    strict.clientCa = write('client-ca.crt', authority.cert)
  })

  test('are wanted where there is a CA for them, and passwords still are', async () => {
    await using proxy = await open('--tls-client-ca', strict.clientCa)
    using origin = await openOrigin(echo)
    const [dialect] = DIALECTS
    const client = await come(proxy, { ...trust, ...authority.issue('laptop') })
    client.send(Buffer.concat([...dialect!.messages(origin, ADA), Buffer.from('x')]))
    client.finish()
    expect((await client.lastWords()).subarray(-1).toString()).toBe('x')
    for (const identity of [undefined, createAuthority().issue('laptop')]) {
      const other = await come(proxy, { ...trust, ...identity })
      await other.rest()
      expect((await proxy.journal.end(other)).code).toBe('TLS_FAILED')
    }
  })
})

describe('certificates that are replaced', () => {
  test('are used for new connections, on a reload and by themselves; old ones go on', async () => {
    const { cert, key, flags } = flagsFor(authority.issue('localhost'))
    await using proxy = await openTestProgram([ADA], ...flags)
    const before = await come(proxy)
    const shown = [await serialShown(proxy)]
    const replace = (): void => {
      const next = authority.issue('localhost')
      writeFileSync(cert, next.cert)
      writeFileSync(key, next.key)
    }
    replace()
    await expect.poll(() => serialShown(proxy)).not.toBe(shown[0])
    shown.push(await serialShown(proxy))
    replace()
    await proxy.program.reload(configOf(...flags))
    await expect.poll(() => serialShown(proxy)).not.toBe(shown[1])
    before.send(Buffer.of(5, 1, 2))
    expect(await before.take(2)).toEqual(Buffer.of(5, 2))
    before.close()
  })

  test('stay where the new ones are of no use, and the log says why', async () => {
    const { cert, flags } = flagsFor(authority.issue('localhost'))
    await using proxy = await openTestProgram([ADA], ...flags)
    const shown = await serialShown(proxy)
    writeFileSync(cert, authority.issue('localhost').cert)
    const said = (): string | undefined => proxy.journal.lines.find((line) => line.includes('"tls.kept"'))
    await expect.poll(said).toContain('the key does not belong to the certificate')
    expect(await serialShown(proxy)).toBe(shown)
  })
})

describe('what it does not start with', () => {
  const { cert, key } = flagsFor(authority.issue('localhost'))
  const other = write('other.key', authority.key)

  test.each([
    ['no key', ['--tls', '127.0.0.1:0', '--tls-cert', cert], '--tls wants a certificate and its key'],
    ['no listener', ['--tls-cert', cert, '--tls-key', key], '--tls is missing'],
    [
      'no file',
      ['--tls', '127.0.0.1:0', '--tls-cert', '/none', '--tls-key', key],
      'cannot read /none (ENOENT)',
    ],
    [
      'another key',
      ['--tls', '127.0.0.1:0', '--tls-cert', cert, '--tls-key', other],
      'the key does not belong',
    ],
  ])('%s', async (_, flags, message) => {
    await expect(openTestProgram([ADA], ...flags)).rejects.toMatchObject({
      name: 'ConfigError',
      message: expect.stringContaining(message),
    })
  })

  test('an open listener for nobody', async () => {
    await expect(
      openTestProgram([], '--tls', '0.0.0.0:0', '--tls-cert', cert, '--tls-key', key),
    ).rejects.toThrow('0.0.0.0:0 is not loopback and there is no user')
  })
})
