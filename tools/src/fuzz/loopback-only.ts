// Loaded into the program under test before its own code (--import): its network ends at a few ports of 127.0.0.1, so
// that a mutated target is never looked up nor dialled, neither in the world nor on this machine. Datagrams end at loopback.
import { Socket as DatagramSocket } from 'node:dgram'
import dns from 'node:dns'
import { syncBuiltinESMExports } from 'node:module'
import { isIP, Socket } from 'node:net'

/** What getaddrinfo makes of them without asking anybody. */
const LOCAL = new Set(['localhost', 'localhost.', '2130706433', '0x7f.1', '127.1', '0177.0.0.1'])
const originPorts = new Set((process.env['FUZZ_ORIGIN_PORT'] ?? '').split(',').map(Number))

type Callback = (error: Error | null, addresses?: { address: string; family: number }[]) => void

const fail = (code: string): Error => Object.assign(new Error(code), { code })
const { lookup } = dns
const connect = Reflect.get(Socket.prototype, 'connect') as (this: Socket, ...args: unknown[]) => Socket

function guardedLookup(host: string, options: { all?: boolean }, done: Callback): void {
  // Listening looks its address up too.
  if (isIP(host) !== 0) lookup(host, options, done as never)
  else if (LOCAL.has(host)) setImmediate(done, null, [{ address: '127.0.0.1', family: 4 }])
  else setImmediate(done, fail('ENOTFOUND'))
}

function guardedConnect(this: Socket, ...args: unknown[]): Socket {
  // net.connect hands its arguments over as one list.
  const [options] = Array.isArray(args[0]) ? args[0] : args
  const { host, port }: { host?: string; port?: number } = Object(options)
  if (host === '127.0.0.1' && originPorts.has(port ?? 0)) return connect.apply(this, args)
  setImmediate(() => this.destroy(fail('ECONNREFUSED')))
  return this
}

/** Datagrams go to loopback, and are lost on their way to anywhere else. */
const sendDatagram = Reflect.get(DatagramSocket.prototype, 'send') as (
  this: DatagramSocket,
  ...args: unknown[]
) => void
function guardedSend(this: DatagramSocket, ...args: unknown[]): void {
  if (args.some((arg) => arg === '127.0.0.1' || arg === '::1')) sendDatagram.apply(this, args)
}

Object.assign(DatagramSocket.prototype, { send: guardedSend })
Object.assign(dns, { lookup: guardedLookup })
Object.assign(Socket.prototype, { connect: guardedConnect })
syncBuiltinESMExports()
