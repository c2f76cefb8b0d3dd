import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect } from 'node:tls'
import { createDial } from '@sluice/net'
import { CERTIFICATE, CERTIFICATE_KEY, createAuthority } from '@sluice/net/testing'
import { BRIDGE_ALPN } from '@sluice/wire/bridge'
import { afterAll, expect, it } from 'vitest'
import { connectBridge } from '../client/client-login.ts'
import { TestBridge } from '../testing/test-bridge.ts'
import { clientKeys, openBridgeTls } from './index.ts'

const folder = mkdtempSync(join(tmpdir(), 'bridge-tls-'))
afterAll(() => rmSync(folder, { recursive: true }))
const paths = { bridgeCert: join(folder, 'cert.pem'), bridgeKey: join(folder, 'key.pem') }
const write = (cert: string, key: string): void => {
  writeFileSync(paths.bridgeCert, cert)
  writeFileSync(paths.bridgeKey, key)
}

const dial = createDial({ policy: { check: () => {} } })
const programOf = (logged: string[] = []): Parameters<typeof openBridgeTls>[0] & { stop(): void } => {
  let stop = (): void => {}
  const tell = (_: object, msg: string): void => void logged.push(msg)
  return {
    log: { info: tell, error: tell } as never,
    onReload: () => {},
    onStop: (act: () => void) => void (stop = act),
    stop: () => stop(),
  } as never
}

const shownAt = async ({ address }: TestBridge): Promise<string> => {
  const socket = connect({ ...address, rejectUnauthorized: false, ALPNProtocols: [BRIDGE_ALPN] })
  socket.on('error', () => {})
  await once(socket, 'secureConnect')
  const { fingerprint256 } = socket.getPeerCertificate()
  socket.destroy()
  return fingerprint256
}

it('shows the certificate of the operator, replaced while it runs, to programs that go by the identity', async () => {
  write(CERTIFICATE, CERTIFICATE_KEY)
  const program = programOf()
  const tls = (await openBridgeTls(program, paths))!
  await using bridge = await TestBridge.open({ tls })
  const first = await shownAt(bridge)
  const { enrolment } = bridge.enrol()
  const login = async (): Promise<void> => {
    const info = { role: 'serve', version: '1', host: 'h', os: 'o', instance: 'a'.repeat(32) } as const
    const { fingerprint, secret } = enrolment
    const parts = { dial, keys: clientKeys(secret), fingerprint, info }
    const { conn } = await connectBridge(bridge.address, parts, AbortSignal.timeout(20_000))
    conn.destroy()
  }
  await login()
  const { cert, key } = createAuthority('other').issue('localhost')
  write(cert, key)
  await tls.poll()
  await tls.poll()
  expect(await shownAt(bridge)).not.toBe(first)
  await login()
  program.stop()
})

it('has none of its own where there are no files, and refuses half of them and those of no use', async () => {
  write('', '')
  const program = programOf()
  expect(await openBridgeTls(program, { bridgeCert: undefined, bridgeKey: undefined })).toBeUndefined()
  const half = { ...paths, bridgeKey: undefined }
  await expect(openBridgeTls(program, half)).rejects.toThrow('want each other')
  await expect(openBridgeTls(program, paths)).rejects.toThrow('--bridge-cert: ')
})
