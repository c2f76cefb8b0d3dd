import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { X509Certificate } from 'node:crypto'
import { connect } from 'node:tls'
import type { Address } from '@sluice/wire'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { configOf, openTestNode } from '../testing/test-node.ts'
import { openRemote } from './open-remote.ts'
import { remotePorts } from './remote-ports.ts'
import { CERTIFICATE, CERTIFICATE_KEY, NEXT_CERTIFICATE, NEXT_KEY } from './testing/certificate.ts'

const TOKEN = 'a-token-of-24-characters'
const printOf = (pem: string): string => new X509Certificate(pem).fingerprint256

let dir: string
beforeEach(() => void (dir = mkdtempSync(join(tmpdir(), 'ss-tls-'))))
afterEach(() => rmSync(dir, { recursive: true }))

const put = (cert: string, key: string): void => {
  writeFileSync(join(dir, 'cert'), cert)
  writeFileSync(join(dir, 'key'), key)
}

const shownAt = async ({ host, port }: Address): Promise<string> => {
  const socket = connect({ host, port, rejectUnauthorized: false, ALPNProtocols: ['h2', 'http/1.1'] })
  try {
    await once(socket, 'secureConnect')
    return socket.getPeerCertificate().fingerprint256
  } finally {
    socket.destroy()
  }
}

it('a reload has gRPC and SSM show the certificate that is there now, unless it is of no use', async () => {
  put(CERTIFICATE, CERTIFICATE_KEY)
  const tls = (door: string): string[] => [
    `--${door}-cert`,
    join(dir, 'cert'),
    `--${door}-key`,
    join(dir, 'key'),
  ]
  const grpc = ['--grpc-host', '127.0.0.1', '--grpc-port', '0', ...tls('grpc')]
  const config = configOf(...grpc, '--ssm', '127.0.0.1:0', '--ssm-token', TOKEN, ...tls('ssm'))
  await using node = await openTestNode([])
  const remote = await openRemote(node.program, config, remotePorts(node.door.ports, config))
  const shown = (): Promise<string[]> => Promise.all([shownAt(remote.grpc!), shownAt(remote.ssm!)])
  expect(await shown()).toEqual([printOf(CERTIFICATE), printOf(CERTIFICATE)])
  put(NEXT_CERTIFICATE, CERTIFICATE_KEY)
  await expect(node.program.reload(config)).rejects.toThrow(/key does not belong/)
  expect(await shown()).toEqual([printOf(CERTIFICATE), printOf(CERTIFICATE)])
  put(NEXT_CERTIFICATE, NEXT_KEY)
  await node.program.reload(config)
  expect(await shown()).toEqual([printOf(NEXT_CERTIFICATE), printOf(NEXT_CERTIFICATE)])
  expect(node.journal.of('tls.reloaded').map(({ door }) => door)).toEqual(['grpc', 'ssm'])
})
