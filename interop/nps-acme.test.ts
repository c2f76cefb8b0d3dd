import { once } from 'node:events'
import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { get } from 'node:https'
import { join } from 'node:path'
import { connect, type PeerCertificate } from 'node:tls'
import { NameServer } from '../libs/net/src/testing/name-server.ts'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { certify, createAuthority } from './authority.ts'
import { Daemon } from './daemon.ts'
import { deadPort } from './origin.ts'
import { run, start, stop } from './process.ts'
import { temporaryFolder } from './sluice.ts'

const MAIN = join(import.meta.dirname, '../apps/nps-server/dist/main.mjs')
const NAME = 'www.sluice.example'

/** Pebble, which gives certificates by ACME as long as a test lasts, to who proves a name at `httpPort`. */
const startPebble = async (
  folder: string,
  ports: { readonly api: number; readonly manage: number; readonly http: number },
  dns: string,
): Promise<ReturnType<typeof start>> => {
  const pebble = {
    listenAddress: `127.0.0.1:${ports.api}`,
    managementListenAddress: `127.0.0.1:${ports.manage}`,
    certificate: join(folder, 'pebble.crt'),
    privateKey: join(folder, 'pebble.key'),
    httpPort: ports.http,
    tlsPort: 1,
    ocspResponderURL: '',
    externalAccountBindingRequired: false,
  }
  const file = join(folder, 'pebble.json')
  writeFileSync(file, JSON.stringify({ pebble }))
  const child = start('pebble', ['-config', file, '-dnsserver', dns], { PEBBLE_VA_NOSLEEP: '1' })
  let said = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => void (said += String(text)))
  await vi.waitFor(() => expect(said).toContain('ACME directory available'), 20_000)
  return child
}

describe('hosts whose certificate is asked for by ACME', () => {
  const folder = temporaryFolder()
  const data = join(folder, 'data')
  let names: NameServer
  let pebble: ReturnType<typeof start>
  let server: Daemon
  let ports: { api: number; manage: number; http: number }

  const startServer = (http: number): Promise<Daemon> =>
    Daemon.start([
      ...[MAIN, '--data', data, '--ops', '127.0.0.1:0', '--bridge', '127.0.0.1:0', '--https', '127.0.0.1:0'],
      ...['--http', `127.0.0.1:${http}`, '--acme-directory', `https://localhost:${ports.api}/dir`],
      ...['--acme-ca', join(folder, 'ca.crt'), '--acme-email', 'admin@sluice.example', '--acme-agree'],
    ])

  beforeAll(async () => {
    mkdirSync(data)
    await createAuthority(folder)
    await certify(folder, 'pebble')
    names = await NameServer.open({ [NAME]: { A: ['127.0.0.1'] } })
    ports = { api: await deadPort(), manage: await deadPort(), http: 0 }
    server = await startServer(0)
    ports.http = Number(server.listener('http').split(':')[1])
    pebble = await startPebble(folder, ports, names.address)
    await nps('client', 'add', '--server', 'tunnels.example:1')
  })
  afterAll(async () => {
    await server?.kill()
    if (pebble !== undefined) await stop(pebble)
    await names?.[Symbol.asyncDispose]()
    rmSync(folder, { recursive: true })
  })

  const nps = async (...args: string[]): Promise<string> => {
    const { status, stdout, stderr } = await run(process.execPath, [MAIN, ...args, '--data', data])
    if (status !== 0) throw new Error(stderr)
    return stdout.toString()
  }

  const addHost = (name: string): Promise<string> =>
    nps('host', 'add', '--client', '1', '--host', name, '--target', '127.0.0.1:1', '--auto-cert')

  /** The certificate that visitors of a name are shown. */
  const shown = async (servername: string, ca?: string): Promise<PeerCertificate> => {
    const [host = '', port] = server.listener('https').split(':')
    const trust = ca === undefined ? { rejectUnauthorized: false } : { ca }
    const socket = connect({ host, port: Number(port), servername, ...trust })
    await once(socket, 'secureConnect')
    const certificate = socket.getPeerCertificate()
    socket.destroy()
    return certificate
  }

  const issuerOf = async (name: string): Promise<string> => String((await shown(name)).issuer?.CN)

  /** The root that Pebble has made for itself. */
  const root = async (): Promise<string> => {
    const url = `https://localhost:${ports.manage}/roots/0`
    const [answer] = await once(get(url, { ca: readFileSync(join(folder, 'ca.crt')) }), 'response')
    return Buffer.concat(
      await (answer as AsyncIterable<Buffer> & { toArray(): Promise<Buffer[]> }).toArray(),
    ).toString()
  }

  test('get one, which is trusted, and kept from others', async () => {
    expect(await issuerOf(NAME)).not.toContain('Pebble')
    await addHost(NAME)
    await expect.poll(() => issuerOf(NAME)).toContain('Pebble Intermediate')
    expect((await shown(NAME, await root())).subjectaltname).toBe(`DNS:${NAME}`)
    for (const file of ['account.key', `${NAME}.pem`]) {
      expect(statSync(join(data, 'acme', file)).mode & 0o777).toBe(0o600)
    }
    expect(JSON.parse(await nps('host', 'show', '1', '--json'))).not.toHaveProperty('problem')
  })

  test('say why there is none, and leave others as they are', async () => {
    await addHost('gone.sluice.example')
    const problem = async (): Promise<string> =>
      String((JSON.parse(await nps('host', 'show', '2', '--json')) as { problem?: string }).problem)
    await expect.poll(problem).toMatch(/^no certificate: .*gone\.sluice\.example.*; next try 20/)
    expect(await issuerOf('gone.sluice.example')).not.toContain('Pebble')
    expect(await issuerOf(NAME)).toContain('Pebble Intermediate')
  })

  test('have the same one after a restart, and a new one where its time has come', async () => {
    const { serialNumber } = await shown(NAME)
    await server.kill()
    server = await startServer(ports.http)
    await expect.poll(async () => (await shown(NAME)).serialNumber).toBe(serialNumber)
    await server.kill()
    writeFileSync(join(data, 'acme', `${NAME}.pem`), 'lost')
    server = await startServer(ports.http)
    await expect.poll(() => issuerOf(NAME)).toContain('Pebble Intermediate')
    expect((await shown(NAME)).serialNumber).not.toBe(serialNumber)
  })
})
