import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Listener } from '@sluice/net'
import {
  accessSchema,
  baseSchema,
  createLog,
  dnsSchema,
  type IdentityKey,
  loadConfig,
  Program,
  type ProgramConfig,
  sessionSchema,
  storeUrl,
  upstreamSchema,
} from '@sluice/service'
import { Journal } from '@sluice/service/testing'
import { type NewUser, openStore } from '@sluice/userstore'
import type { Address } from '@sluice/wire'
import {
  type BridgeOptions,
  clientKeys,
  type Enrolment,
  fingerprintOf,
  makeSecret,
  openBridge,
  openBridgeIdentity,
} from '../bridge/index.ts'
import type { ClientRecord } from '../records.ts'
import type { LiveClient } from '../registry.ts'
import { FakeRegistry } from './fake-registry.ts'

const schema = baseSchema({}).extend({
  ...sessionSchema.shape,
  ...accessSchema.shape,
  ...dnsSchema.shape,
  ...upstreamSchema.shape,
})

export interface TestBridgeOptions extends Pick<BridgeOptions, 'onVisit' | 'tls'> {
  readonly users?: readonly NewUser[]
  readonly argv?: readonly string[]
  /** @default short */
  readonly patienceMs?: number
  readonly deadMs?: number
  readonly programs?: number
  /** One that was before, whose data it goes on with. */
  readonly like?: TestBridge
}

/** The bridge of a program in this process, with records of the test. */
export class TestBridge implements AsyncDisposable {
  readonly program: Program
  readonly registry: FakeRegistry
  readonly identity: IdentityKey
  readonly journal: Journal
  readonly listener: Listener
  readonly #data: string

  static async open({
    users = [],
    argv = [],
    like,
    deadMs,
    programs,
    ...options
  }: TestBridgeOptions = {}): Promise<TestBridge> {
    const data = like === undefined ? mkdtempSync(join(tmpdir(), 'nps-bridge-')) : like.#data
    const config = loadConfig(schema, { argv: ['--data', data, ...argv], env: {} }).config as ProgramConfig
    const store = await openStore(storeUrl(config))
    for (const user of users) await store.add(user)
    await store.close()
    const journal = new Journal()
    const log = createLog({ level: 'debug', sink: journal })
    const program = await Program.start({ app: 'test', version: '0', config, log, env: {} })
    const registry = new FakeRegistry(program.directory)
    for (const { record } of like?.registry.clients.values() ?? []) registry.addClient(record)
    const identity = openBridgeIdentity(config)
    const bridge = like?.listener.address ?? { host: '127.0.0.1', port: 0 }
    const listener = await openBridge({
      patienceMs: 50,
      ...options,
      ...{ program, registry, identity },
      config: {
        ...config,
        bridge,
        ...(deadMs !== undefined && { deadMs }),
        ...(programs !== undefined && { programs }),
      },
    })
    return new TestBridge({ program, registry, identity, journal, listener }, data)
  }

  private constructor(
    parts: Pick<TestBridge, 'program' | 'registry' | 'identity' | 'journal' | 'listener'>,
    data: string,
  ) {
    this.program = parts.program
    this.registry = parts.registry
    this.identity = parts.identity
    this.journal = parts.journal
    this.listener = parts.listener
    this.#data = data
  }

  get address(): Address {
    return this.listener.address
  }

  /** A client, and what its program is given. */
  enrol(fields: Partial<ClientRecord> = {}): { client: LiveClient; enrolment: Enrolment } {
    const secret = makeSecret()
    const client = this.registry.addClient({ publicKey: clientKeys(secret).publicKey, ...fields })
    const fingerprint = fingerprintOf(this.identity.publicKey)
    return { client, enrolment: { server: [this.address], fingerprint, secret } }
  }

  /** The next session that ends. */
  async stop(): Promise<void> {
    this.program.hurry()
    await this.program.stop()
    this.registry.close()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
    rmSync(this.#data, { recursive: true, force: true })
  }
}
