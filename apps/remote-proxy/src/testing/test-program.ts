import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createLog, loadConfig, Program, storeUrl } from '@sluice/service'
import { Journal, storedUser, type TestUser } from '@sluice/service/testing'
import { openStore } from '@sluice/userstore'
import type { Address } from '@sluice/wire'
import { schema, type RemoteProxyConfig } from '../config.ts'
import { DOORS, openDoor, type OpenDoor } from '../door.ts'

/** The whole program in this process, on a data folder of its own. */
export interface TestProgram extends AsyncDisposable {
  readonly program: Program
  readonly door: OpenDoor
  readonly ops: Address
  readonly journal: Journal
}

export const configOf = (...argv: string[]): RemoteProxyConfig => {
  const loopback = ['--http', '127.0.0.1:0', '--socks', '127.0.0.1:0', '--ops', '127.0.0.1:0']
  return loadConfig(schema, { argv: [...loopback, ...argv], env: {} }).config
}

export const openTestProgram = async (
  users: readonly TestUser[],
  ...argv: string[]
): Promise<TestProgram> => {
  const data = mkdtempSync(join(tmpdir(), 'remote-proxy-'))
  const config = configOf('--data', data, ...argv)
  const store = await openStore(storeUrl(config))
  for (const user of users) await store.add(await storedUser(user))
  await store.close()
  const journal = new Journal()
  const log = createLog({ level: config.logLevel, sink: journal })
  const defaults = { total: config.limit, burst: config.capacity }
  const program = await Program.start({
    app: 'test',
    version: '0',
    config,
    log,
    defaults,
    doors: DOORS,
    env: {},
  })
  const dispose = async (): Promise<void> => {
    program.hurry()
    await program.stop()
    rmSync(data, { recursive: true })
  }
  try {
    const door = await openDoor(program, config)
    const ops = (await program.ready())!
    return { program, door, ops, journal, [Symbol.asyncDispose]: dispose }
  } catch (error) {
    await dispose()
    throw error
  }
}

/** A listener on loopback for the time of a test. */
export const openOrigin = async (onSocket: (socket: Socket) => void): Promise<Address & Disposable> => {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    onSocket(socket.on('error', () => {}))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { address: host, port } = server.address() as AddressInfo
  return { host, port, [Symbol.dispose]: () => server.close() }
}

export const echo = (socket: Socket): void => void socket.pipe(socket)

/** Sends for as long as anybody takes it. */
export const pour = (socket: Socket): void => {
  const block = Buffer.alloc(64 * 1024)
  const more = (): void => {
    while (socket.write(block));
  }
  socket.on('drain', more)
  more()
}
