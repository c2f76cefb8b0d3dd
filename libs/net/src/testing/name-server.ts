import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { parseIp } from '@sluice/wire'

const TYPES: Readonly<Record<number, 'A' | 'AAAA'>> = { 1: 'A', 28: 'AAAA' }
const HEAD = 12

/** What is said of a name; a type that is missing has no records, one that is `silent` no answer. */
export interface Zone {
  readonly A?: readonly string[] | 'silent'
  readonly AAAA?: readonly string[] | 'silent'
  /** Seconds. @default 300 */
  readonly ttl?: number
  /** @default 0; 2 is SERVFAIL, 3 NXDOMAIN, which names without a zone get too */
  readonly rcode?: number
}

/** A name server on loopback that knows what the test tells it, and what it was asked. */
export class NameServer implements AsyncDisposable {
  readonly zones: Record<string, Zone>
  /** `A one.test`, in the order of arrival. */
  readonly asked: string[] = []
  readonly #socket: Socket

  static async open(zones: Record<string, Zone>): Promise<NameServer> {
    const socket = createSocket('udp4')
    socket.bind(0, '127.0.0.1')
    await once(socket, 'listening')
    return new NameServer(socket, zones)
  }

  private constructor(socket: Socket, zones: Record<string, Zone>) {
    this.zones = zones
    this.#socket = socket
    socket.on('message', (question, { port, address }) => {
      const answer = this.#answer(question)
      if (answer !== undefined) socket.send(answer, port, address)
    })
  }

  get address(): string {
    return `127.0.0.1:${this.#socket.address().port}`
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = once(this.#socket, 'close')
    this.#socket.close()
    await closed
  }

  #answer(question: Buffer): Buffer | undefined {
    const { name, end } = nameOf(question)
    const type = TYPES[question.readUInt16BE(end)] ?? 'A'
    this.asked.push(`${type} ${name}`)
    const zone = this.zones[name] ?? { rcode: 3 }
    const ips = zone[type] ?? []
    return ips === 'silent' ? undefined : message(question.subarray(0, end + 4), ips, zone)
  }
}

const nameOf = (question: Buffer): { name: string; end: number } => {
  const labels: string[] = []
  let at = HEAD
  for (let length = question[at]!; length > 0; length = question[at]!) {
    labels.push(question.toString('latin1', at + 1, at + 1 + length))
    at += 1 + length
  }
  return { name: labels.join('.').toLowerCase(), end: at + 1 }
}

/** RFC 1035 §4.1: the question as it came, its name being what all records point to. */
const message = (asked: Buffer, ips: readonly string[], { ttl = 300, rcode = 0 }: Zone): Buffer => {
  const head = Buffer.from(asked)
  head.writeUInt16BE(0x8180 | rcode, 2)
  head.writeUInt16BE(1, 4)
  head.writeUInt16BE(ips.length, 6)
  head.fill(0, 8, HEAD)
  const records = ips.map((ip) => {
    const data = parseIp(ip)!
    const record = Buffer.alloc(12)
    record.writeUInt16BE(0xc00c, 0)
    record.writeUInt16BE(data.length === 4 ? 1 : 28, 2)
    record.writeUInt16BE(1, 4)
    record.writeUInt32BE(ttl, 6)
    record.writeUInt16BE(data.length, 10)
    return Buffer.concat([record, data])
  })
  return Buffer.concat([head, ...records])
}
