import type { DropReason } from '@sluice/service'
import { WireError } from '@sluice/wire'
import {
  PacketReader,
  type PacketWindow,
  type SsBody,
  type SsKey,
  type SsPacket,
  SsPacketSession,
} from '@sluice/wire/shadowsocks'
import type { Keyring } from '../keyring.ts'
import type { SsUser } from '../ss-user.ts'
import type { Associations } from './associations.ts'
import { drop } from './drops.ts'
import { PacketSeal, secondsAt } from './reply-seal.ts'
import type { UdpAssociation } from './udp-association.ts'
import type { UdpParts, UdpSocket } from './udp-parts.ts'

/** A session is remembered at least as long as its packets are good (SIP022 §3.2.4), ms. */
const LEAST_IDLE_MS = 60_000

interface Client {
  readonly id: bigint
  readonly packets: SsPacketSession
  readonly association: UdpAssociation
}

/** The clients of one port of a 2022 method: each session ID is an association, wherever its packets come from. */
export class PacketClients {
  readonly #keyring: Keyring
  readonly #parts: UdpParts
  readonly #socket: UdpSocket
  readonly #associations: Associations
  readonly #sessions = new Map<bigint, Client>()
  #last: Client | undefined = undefined
  #reader: { readonly key: SsKey; readonly reader: PacketReader } | undefined = undefined

  constructor(keyring: Keyring, parts: UdpParts, socket: UdpSocket, associations: Associations) {
    this.#keyring = keyring
    this.#parts = parts
    this.#socket = socket
    this.#associations = associations
  }

  get size(): number {
    return this.#sessions.size
  }

  onDatagram(bytes: Uint8Array, host: string, port: number): void {
    const reader = this.#readerNow()
    const packet = reader?.read(bytes)
    if (packet === undefined) {
      this.#drop('auth')
      return
    }
    const client = this.#find(packet.sessionId)
    if (client === undefined) this.#stranger(reader!, packet, host, port)
    else this.#go(client, packet, host, port)
  }

  #go({ packets, association }: Client, packet: SsPacket, host: string, port: number): void {
    const body = this.#open(packets, packet)
    if (body === undefined) return
    const { session } = association
    const { client } = session
    if (client.port !== port || client.host !== host) session.client = { host, port }
    if (!session.isOver) association.relay(body)
  }

  #stranger(reader: PacketReader, packet: SsPacket, host: string, port: number): void {
    const user = this.#userOf(reader, packet)
    if (!user?.isValid) {
      this.#drop('auth')
      return
    }
    const { sessionId: id } = packet
    const packets = this.#sessionOf(user, id)
    const body = this.#open(packets, packet)
    if (body === undefined) return
    const association = this.#associations.open({
      user,
      client: { host, port },
      seal: new PacketSeal(user.key, packets, this.#parts.wallNow),
      leastIdleMs: LEAST_IDLE_MS,
      forget: () => this.#forget(user, id, packets.window),
    })
    if (association === undefined) return
    this.#last = { id, packets, association }
    this.#sessions.set(id, this.#last)
    association.relay(body)
  }

  #sessionOf(user: SsUser, clientId: bigint): SsPacketSession {
    const { random, ended } = this.#parts
    const own = random(8)
    const ownId = Buffer.from(own.buffer, own.byteOffset, own.length).readBigUInt64BE()
    return new SsPacketSession({
      key: user.key,
      clientId,
      ownId,
      random,
      window: ended.find(user, clientId),
      identity: this.#keyring.serverKey !== undefined,
    })
  }

  /** What an authentic packet holds that has not come before. */
  #open(packets: SsPacketSession, packet: SsPacket): SsBody | undefined {
    const { window } = packets
    if (!window.accepts(packet.packetId)) return this.#drop('replay')
    const body = this.#bodyOf(packets, packet)
    if (typeof body === 'string') return this.#drop(body)
    window.add(packet.packetId)
    return body.address.port === 0 ? this.#drop('malformed') : body
  }

  #bodyOf(packets: SsPacketSession, packet: SsPacket): SsBody | DropReason {
    try {
      return packets.open(packet, secondsAt(this.#parts.wallNow())) ?? 'auth'
    } catch (error) {
      return error instanceof WireError && error.code === 'WIRE_CLOCK' ? 'clock' : 'malformed'
    }
  }

  #userOf(reader: PacketReader, packet: SsPacket): SsUser | undefined {
    if (this.#keyring.serverKey === undefined) return this.#keyring.owner
    const hash = reader.identity(packet)
    return hash && this.#keyring.byIdentity(hash)
  }

  #find(id: bigint): Client | undefined {
    if (this.#last?.id === id) return this.#last
    const client = this.#sessions.get(id)
    if (client !== undefined) this.#last = client
    return client
  }

  /** Of the key that all packets of the port stand under now. */
  #readerNow(): PacketReader | undefined {
    const key = this.#keyring.serverKey ?? this.#keyring.owner?.key
    if (key === undefined) return undefined
    if (this.#reader?.key !== key) this.#reader = { key, reader: new PacketReader(key) }
    return this.#reader.reader
  }

  #forget(user: SsUser, id: bigint, window: PacketWindow): void {
    this.#parts.ended.keep(user, id, window)
    this.#sessions.delete(id)
    this.#last = undefined
  }

  #drop(reason: DropReason): undefined {
    drop(reason, this.#socket, this.#parts)
  }
}
