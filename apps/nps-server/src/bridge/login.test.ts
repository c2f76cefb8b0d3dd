import { once } from 'node:events'
import { connect as connectTcp, type Socket } from 'node:net'
import { connect as connectSecure, type TLSSocket } from 'node:tls'
import { AddressPolicy, createDial } from '@sluice/net'
import type { BridgeInfo } from '@sluice/wire/bridge'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Admitted, connectBridge } from '../client/client-login.ts'
import { TestBridge } from '../testing/test-bridge.ts'
import { clientKeys, type Enrolment, fingerprintOf, makeSecret } from './index.ts'

const info: BridgeInfo = { version: '1', host: 'laptop', os: 'test', instance: 'a'.repeat(32) }
const dial = createDial({ policy: new AddressPolicy(['127.0.0.1']) })

const login = (
  { server, fingerprint, secret }: Enrolment,
  more: Partial<BridgeInfo> = {},
): Promise<Admitted> =>
  connectBridge(
    server[0]!,
    { dial, keys: clientKeys(secret), fingerprint, info: { ...info, ...more } },
    AbortSignal.timeout(10_000),
  )

describe('the login at the bridge', () => {
  let bridge: TestBridge
  beforeEach(async () => void (bridge = await TestBridge.open()))
  afterEach(() => bridge[Symbol.asyncDispose]())

  it('lets in whoever has the secret, and tells the terms', async () => {
    const { client, enrolment } = bridge.enrol()
    const { conn, terms } = await login(enrolment)
    expect(terms).toEqual({ client: client.record.id, pingMs: 5000, deadMs: 15_000, maxStreams: 4096 })
    await expect
      .poll(() => client.agents.all)
      .toMatchObject([{ version: '1', kind: 'native', closed: false }])
    conn.destroy()
    await expect.poll(() => client.agents.all).toEqual([])
  })

  it('refuses a secret that is nobody’s, in the same words as a signature that is wrong', async () => {
    const { enrolment } = bridge.enrol()
    await expect(login({ ...enrolment, secret: makeSecret() })).rejects.toMatchObject({
      code: 'BRIDGE_REFUSED',
      message: expect.stringContaining('AUTH_FAILED'),
    })
    expect(await bridge.journal.end({ nth: 0 })).toMatchObject({ code: 'AUTH_FAILED' })
  })

  it('does not come in where the server has another key', async () => {
    const { client, enrolment } = bridge.enrol()
    const fingerprint = fingerprintOf(new Uint8Array(32))
    await expect(login({ ...enrolment, fingerprint })).rejects.toMatchObject({ code: 'BRIDGE_SERVER' })
    await expect.poll(() => client.agents.all).toEqual([])
  })
})
