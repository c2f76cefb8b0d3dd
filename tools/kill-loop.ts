// `kill-loop.ts [APP]`, what a crash costs: kills a program with SIGKILL in the middle of a transfer, again and again on one data folder, and
// compares what the client has received with what the ledger has. Nothing may be counted twice, and no round may lose
// more than the last second of usage.
import { execFile, spawn } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { createServer as createWeb } from 'node:http'
import { mkdtempSync, rmSync } from 'node:fs'
import { type AddressInfo, connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import type { Duplex, Writable } from 'node:stream'
import { promisify } from 'node:util'
import { ssKey, ssMethod } from '@sluice/wire/shadowsocks'
import { SocksClient } from 'socks'
import { freePort } from './src/subject/free-port.ts'
import { openHttpsTunnel } from './src/subject/https-tunnel.ts'
import { newIdentity, openCircuit, RelayDestination } from './src/subject/relay-client.ts'
import { SsTunnel } from './src/subject/ss-tunnel.ts'
import { type Tell, TunnelSubject } from './src/subject/tunnel-client.ts'

/** Of each door. */
const ROUNDS = 6
const RATE = 8_000_000
/** One second of the ledger, and the commit that the kill may have hit. */
const LOSS_MS = 1250
const USER = 'kill'
/** Long enough for an access token. */
const SECRET = 'loop'.repeat(8)
const METHOD = 'aes-256-gcm'

interface Door {
  readonly app: string
  /** @default the app's */
  readonly name?: string
  /** @default ROUNDS */
  readonly rounds?: number
  /** Of `user add`; the secret is on its standard input. */
  readonly user: readonly string[]
  readonly flags: readonly string[]
  /** Its listener, as the log names it. */
  readonly door: string
  readonly connect: (port: number, origin: number) => Promise<Duplex> | Duplex
  /** What is to be there besides the user, before its first start. */
  readonly prepare?: (tell: Tell, origin: number) => Promise<void>
  /** What is booked for others than users, by their names. */
  readonly alsoBooked?: (tell: Tell) => Promise<Record<string, number>>
  /** Its origin speaks HTTP. */
  readonly isWeb?: boolean
  /** Others whose usage is that of the user, each added as the user is but for the secret. */
  readonly partners?: readonly string[]
}

/** The token of somebody else. */
const OTHER = 'other'.repeat(8)

/** A source, and a destination that is a user with `token`. */
const circuit =
  (token: string) =>
  async (port: number, origin: number): Promise<Duplex> => {
    const destination = newIdentity(token)
    await RelayDestination.open(port, destination, (socket) => {
      const target = connect(origin, '127.0.0.1')
      socket.on('close', () => target.destroy())
      target.on('error', () => {}).on('close', () => socket.destroy())
      target.pipe(socket).pipe(target)
    })
    return openCircuit(port, newIdentity(SECRET), destination)
  }

const RELAY = {
  app: 'relay',
  rounds: ROUNDS / 2,
  user: ['--token-stdin'],
  flags: ['--listen', 'tcp://127.0.0.1:0', '--preset', 'private'],
  door: 'tcp',
} as const

const BRIDGE = await freePort()
const tunnel = new TunnelSubject()

const DOORS: readonly Door[] = [
  {
    app: 'remote-proxy',
    user: ['--password-stdin'],
    flags: ['--http', '127.0.0.1:0', '--socks', '127.0.0.1:0', '--allow', '127.0.0.0/8'],
    door: 'socks',
    connect: async (port, origin) => {
      const { socket } = await SocksClient.createConnection({
        command: 'connect',
        destination: { host: '127.0.0.1', port: origin },
        proxy: { host: '127.0.0.1', port, type: 5, userId: USER, password: SECRET },
      })
      return socket
    },
  },
  {
    app: 'ss-node',
    user: ['--ss-method', METHOD, '--ss-secret-stdin'],
    flags: ['--listen', '127.0.0.1', '--port', '0', '--allow', '127.0.0.0/8'],
    door: 'ss',
    connect: (port, origin) => {
      const login = { port, key: ssKey(ssMethod(METHOD)!, SECRET) }
      return SsTunnel.open(login, { host: '127.0.0.1', port: origin })
    },
  },
  {
    app: 'https-proxy',
    rounds: ROUNDS / 3,
    user: ['--password-stdin'],
    flags: ['--listen', '127.0.0.1:0', '--allow', '127.0.0.0/8'],
    door: 'proxy',
    connect: (port, origin) => {
      const login = { username: Buffer.from(USER), password: Buffer.from(SECRET) }
      return openHttpsTunnel('stream', { port, login }, `http://127.0.0.1:${origin}/`).end()
    },
    isWeb: true,
  },
  {
    app: 'nps-server',
    rounds: ROUNDS / 2,
    user: ['--password-stdin'],
    flags: ['--bridge', `127.0.0.1:${BRIDGE}`],
    door: 'tunnel',
    prepare: (tell, origin) => tunnel.prepare(tell, { user: USER, bridge: BRIDGE, origin }),
    connect: (port) => tunnel.visit(port),
    alsoBooked: (tell) => tunnel.booked(tell),
  },
  { ...RELAY, name: 'relay, two users', connect: circuit(OTHER), partners: ['partner'] },
  { ...RELAY, name: 'relay, one user', connect: circuit(SECRET) },
]

interface Usage {
  readonly name: string
  readonly total: number
}

const programOf = ({ app }: Door): string => resolve(import.meta.dirname, `../apps/${app}/dist/main.mjs`)

const command = async (door: Door, data: string, secret: string, ...words: string[]): Promise<string> => {
  const running = promisify(execFile)(process.execPath, [programOf(door), ...words, '--data', data])
  running.child.stdin?.end(`${secret}\n`)
  return (await running).stdout
}

const tellOf =
  (door: Door, data: string): Tell =>
  async (...words) =>
    JSON.parse(await command(door, data, '', ...words, '--json'))

/** By who has it booked. @throws Error where a partner has other usage than the user */
const booked = async (door: Door, data: string): Promise<Readonly<Record<string, number>>> => {
  const all = JSON.parse(await command(door, data, '', 'user', 'usage', '--json')) as Usage[]
  const totals = [USER, ...(door.partners ?? [])].map((user) => all.find(({ name }) => name === user)?.total)
  const [total = 0] = totals
  if (totals.some((other) => other !== total)) throw new Error(`booked for each: ${totals.join(', ')}`)
  return { user: total, ...(await door.alsoBooked?.(tellOf(door, data))) }
}

/** Receives through a fresh program until that is killed, `ms` after the first byte. @returns bytes received */
const receiveUntilKilled = async (door: Door, data: string, origin: number, ms: number): Promise<number> => {
  const flags = ['--data', data, '--ops', '127.0.0.1:0', ...door.flags]
  const program = spawn(process.execPath, [programOf(door), ...flags], {
    stdio: ['ignore', 'pipe', 'inherit'],
    cwd: data,
  })
  const died = once(program, 'exit')
  const conn = await door.connect(await portOf(program.stdout, door.door), origin)
  let received = 0
  conn.once('data', () => setTimeout(() => program.kill('SIGKILL'), ms))
  conn.on('data', (chunk: Buffer) => (received += chunk.length))
  conn.once('end', () => conn.end()).on('error', () => {})
  conn.resume()
  await Promise.all([died, once(conn, 'close')])
  return received
}

const portOf = async (stdout: NodeJS.ReadableStream, wanted: string): Promise<number> => {
  for await (const line of createInterface(stdout)) {
    const { door, port } = JSON.parse(line) as { door?: string; port?: number }
    if (door === wanted && port !== undefined) return port
  }
  throw new Error('the program ended before it listened')
}

const pour = (socket: Writable): void => {
  const block = Buffer.alloc(64 * 1024)
  const more = (): void => {
    while (socket.write(block));
  }
  socket.on('drain', more).on('error', () => {})
  more()
}

const killAgainAndAgain = async (door: Door, origin: number): Promise<void> => {
  const data = mkdtempSync(join(tmpdir(), 'kill-loop-'))
  try {
    await command(door, data, SECRET, 'user', 'add', USER, '--down', String(RATE), ...door.user)
    for (const name of door.partners ?? [])
      await command(door, data, OTHER, 'user', 'add', name, ...door.user)
    await door.prepare?.(tellOf(door, data), origin)
    for (let round = 1; round <= (door.rounds ?? ROUNDS); round++) {
      const before = await booked(door, data)
      const ms = 1500 + randomInt(1500)
      const received = await receiveUntilKilled(door, data, origin, ms)
      const name = `${door.name ?? door.app}, round ${round}`
      console.log(`${name}: killed after ${ms} ms, received ${received}`)
      for (const [who, total] of Object.entries(await booked(door, data)))
        compare(`${name}, ${who}`, received, total - (before[who] ?? 0))
    }
  } finally {
    rmSync(data, { recursive: true, force: true })
  }
}

/** @throws Error where more was booked than received, or too much was lost */
const compare = (name: string, received: number, counted: number): void => {
  const lost = received - counted
  console.log(`${name}: booked ${counted}, lost ${lost}`)
  if (lost < 0) throw new Error(`${name}: ${-lost} bytes were booked that nobody received`)
  if (lost > (RATE * LOSS_MS) / 1000) throw new Error(`${name}: more than the last second was lost`)
}

const main = async (): Promise<void> => {
  const origin = createServer(pour).listen(0, '127.0.0.1')
  const web = createWeb((_request, response) => pour(response)).listen(0, '127.0.0.1')
  await Promise.all([origin, web].map((server) => once(server, 'listening')))
  try {
    const [, , only] = process.argv
    const doors = DOORS.filter(({ app }) => only === undefined || app === only).values()
    const lane = async (): Promise<void> => {
      for (const door of doors)
        await killAgainAndAgain(door, ((door.isWeb ? web : origin).address() as AddressInfo).port)
    }
    // Two at a time: most of it is waiting.
    await Promise.all([lane(), lane()])
  } finally {
    origin.close()
    web.close()
  }
}

await main()
