// What a crash costs: kills the program with SIGKILL in the middle of a transfer, ten times on one data folder, and
// compares what the client has received with what the ledger has. Nothing may be counted twice, and no round may lose
// more than the last second of usage.
import { execFile, spawn } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'
import { SocksClient } from 'socks'

const ROUNDS = 10
const RATE = 8_000_000
/** One second of the ledger, and the commit that the kill may have hit. */
const LOSS_MS = 1250
const USER = 'kill'
const PASSWORD = 'loop'
const PROGRAM = resolve(import.meta.dirname, '../apps/remote-proxy/dist/main.mjs')

const remoteProxy = async (data: string, ...words: string[]): Promise<string> => {
  const running = promisify(execFile)(process.execPath, [PROGRAM, ...words, '--data', data])
  running.child.stdin?.end(`${PASSWORD}\n`)
  return (await running).stdout
}

const booked = async (data: string): Promise<number> =>
  (JSON.parse(await remoteProxy(data, 'user', 'usage', USER, '--json')) as { total: number }).total

/** Receives through a fresh program until that is killed, `ms` after the first byte. @returns bytes received */
const receiveUntilKilled = async (data: string, origin: number, ms: number): Promise<number> => {
  const flags = [
    '--http',
    '127.0.0.1:0',
    '--socks',
    '127.0.0.1:0',
    '--ops',
    '127.0.0.1:0',
    '--allow',
    '127.0.0.0/8',
  ]
  const program = spawn(process.execPath, [PROGRAM, '--data', data, ...flags], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const died = once(program, 'exit')
  const { socket } = await SocksClient.createConnection({
    command: 'connect',
    destination: { host: '127.0.0.1', port: origin },
    proxy: {
      host: '127.0.0.1',
      port: await socksPort(program.stdout),
      type: 5,
      userId: USER,
      password: PASSWORD,
    },
  })
  let received = 0
  socket.once('data', () => setTimeout(() => program.kill('SIGKILL'), ms))
  socket.on('data', (chunk) => (received += chunk.length))
  socket.on('error', () => {})
  socket.resume()
  await Promise.all([died, once(socket, 'close')])
  return received
}

const socksPort = async (stdout: NodeJS.ReadableStream): Promise<number> => {
  for await (const line of createInterface(stdout)) {
    const { door, port } = JSON.parse(line) as { door?: string; port?: number }
    if (door === 'socks' && port !== undefined) return port
  }
  throw new Error('the program ended before it listened')
}

const pour = (socket: Socket): void => {
  const block = Buffer.alloc(64 * 1024)
  const more = (): void => {
    while (socket.write(block));
  }
  socket.on('drain', more).on('error', () => {})
  more()
}

const main = async (): Promise<void> => {
  const data = mkdtempSync(join(tmpdir(), 'kill-loop-'))
  const origin = createServer(pour).listen(0, '127.0.0.1')
  await once(origin, 'listening')
  try {
    await remoteProxy(data, 'user', 'add', USER, '--down', String(RATE), '--password-stdin')
    for (let round = 1; round <= ROUNDS; round++) {
      const before = await booked(data)
      const ms = 1500 + randomInt(1500)
      const received = await receiveUntilKilled(data, (origin.address() as AddressInfo).port, ms)
      const counted = (await booked(data)) - before
      const lost = received - counted
      console.log(
        `round ${round}: killed after ${ms} ms, received ${received}, booked ${counted}, lost ${lost}`,
      )
      if (lost < 0) throw new Error(`round ${round}: ${-lost} bytes were booked that nobody received`)
      if (lost > (RATE * LOSS_MS) / 1000)
        throw new Error(`round ${round}: more than the last second was lost`)
    }
  } finally {
    origin.close()
    rmSync(data, { recursive: true, force: true })
  }
}

await main()
