import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createLog, loadConfig, Program, storeUrl } from '@sluice/service'
import { type NewUser, openStore } from '@sluice/userstore'
import type { Address } from '@sluice/wire'
import { formatRelayUrl } from '@sluice/wire/relay'
import { type RelayConfig, schema } from '../config.ts'
import { DOORS, openDoor, type OpenOptions } from '../door.ts'
import type { RelayDoor } from '../relay-door.ts'
import { Journal } from './journal.ts'

/** The whole program in this process, on a data folder of its own. */
export interface TestRelay extends AsyncDisposable {
  readonly program: Program
  readonly relay: RelayDoor
  /** The first listener. */
  readonly at: Address
  /** Its URL over TCP. */
  readonly address: string
  /** By name of the door, the first of each. */
  readonly doors: Readonly<Record<string, Address>>
  readonly ops: Address
  readonly journal: Journal
  readonly data: string
}

export const configOf = (...argv: string[]): RelayConfig => {
  const has = (flag: string): boolean => argv.includes(flag)
  const usual = ['--ops', '127.0.0.1:0', ...(has('--listen') ? [] : ['--listen', 'tcp://127.0.0.1:0'])]
  return loadConfig(schema, { argv: [...usual, ...argv], env: {} }).config
}

export const openTestRelay = (users: readonly NewUser[], ...argv: string[]): Promise<TestRelay> =>
  openTestRelayWith({}, users, ...argv)

export const openTestRelayWith = async (
  options: OpenOptions,
  users: readonly NewUser[],
  ...argv: string[]
): Promise<TestRelay> => {
  const data = mkdtempSync(join(tmpdir(), 'relay-'))
  const config = configOf('--data', data, ...argv)
  const store = await openStore(storeUrl(config))
  for (const user of users) await store.add(user)
  await store.close()
  const journal = new Journal()
  const log = createLog({ level: config.logLevel, sink: journal })
  const program = await Program.start({
    app: 'test',
    version: '0',
    config,
    log,
    doors: DOORS,
    circuits: true,
    env: {},
  })
  const dispose = async (): Promise<void> => {
    program.hurry()
    await program.stop()
    rmSync(data, { recursive: true })
  }
  try {
    const { relay, listeners } = await openDoor(program, config, options)
    const ops = (await program.ready())!
    const doors = Object.fromEntries(listeners.toReversed().map(({ door, address }) => [door, address]))
    const at = listeners[0]!.address
    const address = formatRelayUrl({ transport: 'tcp', address: at, relay: relay.identity.nodeId })
    return { program, relay, at, address, doors, ops, journal, data, [Symbol.asyncDispose]: dispose }
  } catch (error) {
    await dispose()
    throw error
  }
}
