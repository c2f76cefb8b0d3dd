import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createLog, loadConfig, Program, storeUrl } from '@sluice/service'
import { Journal, storedUser, type TestUser } from '@sluice/service/testing'
import { openStore } from '@sluice/userstore'
import type { Address } from '@sluice/wire'
import { operands } from '../argv.ts'
import { type HttpsProxyConfig, schema } from '../config.ts'
import { DOORS, openDoor, type OpenDoor } from '../door.ts'

/** The whole program in this process, on a data folder of its own. */
export interface TestDoor extends AsyncDisposable {
  readonly program: Program
  readonly door: OpenDoor
  readonly ops: Address
  readonly journal: Journal
  readonly config: HttpsProxyConfig
}

const LOOPBACK = ['--ops', '127.0.0.1:0', '--allow', '127.0.0.0/8']

export const configOf = (...argv: string[]): HttpsProxyConfig => {
  const listen = argv.includes('--listen') ? [] : ['--listen', '127.0.0.1:0']
  return loadConfig(schema, { argv: [...LOOPBACK, ...listen, ...argv], env: {}, operands }).config
}

export const openTestDoor = async (users: readonly TestUser[], ...argv: string[]): Promise<TestDoor> => {
  const data = mkdtempSync(join(tmpdir(), 'https-proxy-'))
  const config = configOf('--data', data, ...argv)
  const store = await openStore(storeUrl(config))
  for (const user of users) await store.add(await storedUser(user))
  await store.close()
  const journal = new Journal()
  const log = createLog({ level: config.logLevel, sink: journal })
  const program = await Program.start({ app: 'test', version: '0', config, log, doors: DOORS, env: {} })
  const dispose = async (): Promise<void> => {
    program.hurry()
    await program.stop()
    rmSync(data, { recursive: true })
  }
  try {
    const door = await openDoor(program, config, { version: '0' })
    const ops = (await program.ready())!
    return { program, door, ops, journal, config, [Symbol.asyncDispose]: dispose }
  } catch (error) {
    await dispose()
    throw error
  }
}

/** An origin on loopback for the time of a test. */
export const openOrigin = async (onRequest: RequestListener): Promise<Address & AsyncDisposable> => {
  const server = createServer(onRequest).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { address: host, port } = server.address() as AddressInfo
  const dispose = async (): Promise<void> => {
    server.close()
    server.closeAllConnections()
    await once(server, 'close')
  }
  return { host, port, [Symbol.asyncDispose]: dispose }
}
