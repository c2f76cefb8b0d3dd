import { type Conn, createDial, DatagramSocket, type TcpDial } from '@sluice/net'
import type { Address } from '@sluice/wire'
import type { Agent, DatagramLink, FileLink, Link, PacketLink } from '../agent.ts'
import { parseTarget } from '../target-picker.ts'

const anywhere: TcpDial = createDial({ policy: { check: () => {} } })

/** A client program without a connection to it: what it is asked for it dials from here. */
export class FakeAgent implements Agent {
  kind: Agent['kind'] = 'native'
  readonly clientId: number
  readonly remote: Address = { host: '192.0.2.1', port: 1 }
  readonly since = 0
  readonly version = 'fake'
  readonly rttMs = 0
  closed = false
  /** All that it was asked for, in order. */
  readonly links: (Link | FileLink)[] = []
  /** Where its files are served. */
  files: Address | undefined = undefined
  /** Answers in place of a dial. */
  onOpen: ((signal: AbortSignal) => Promise<Conn>) | undefined = undefined
  readonly #conns = new Set<Conn>()

  constructor(clientId: number) {
    this.clientId = clientId
  }

  get streams(): number {
    return [...this.#conns].filter(({ closed }) => !closed).length
  }

  open(link: Link, signal: AbortSignal): Promise<Conn> {
    this.links.push(link)
    return this.onOpen === undefined ? this.#dial(parseTarget(link.target), signal) : this.onOpen(signal)
  }

  openFiles(link: FileLink, signal: AbortSignal): Promise<Conn> {
    this.links.push(link)
    return this.#dial(this.files!, signal)
  }

  async openDatagrams(link: Link): Promise<DatagramLink> {
    this.links.push(link)
    const { host, port } = parseTarget(link.target)
    const datagrams: DatagramLink = {
      send: (payload) => {
        socket.send(Uint8Array.from(payload), host, port)
        return true
      },
      onDatagram: () => {},
      onClose: () => {},
      close: () => socket.close(),
    }
    const onDatagram = lent((payload) => datagrams.onDatagram(payload))
    const socket = await DatagramSocket.bind({ host: '127.0.0.1', onDatagram })
    return datagrams
  }

  async openPackets(visitor: Address): Promise<PacketLink> {
    this.links.push({ target: '', visitor })
    const packets: PacketLink = {
      send: (to, payload) => {
        socket.send(Uint8Array.from(payload), to.host, to.port)
        return true
      },
      onDatagram: () => {},
      onClose: () => {},
      close: () => socket.close(),
    }
    const onDatagram = lent((payload, host, port) => packets.onDatagram({ host, port }, payload))
    const socket = await DatagramSocket.bind({ host: '127.0.0.1', onDatagram })
    return packets
  }

  close(): void {
    this.closed = true
    for (const conn of this.#conns) conn.reset()
  }

  async #dial(target: Address, signal: AbortSignal): Promise<Conn> {
    const conn = await anywhere(target, signal)
    this.#conns.add(conn)
    return conn
  }
}

/** Each payload is of no use once it has been told. */
const lent =
  (tell: (payload: Uint8Array, host: string, port: number) => void) =>
  (payload: Uint8Array, host: string, port: number): void => {
    tell(payload, host, port)
    payload.fill(0xdd)
  }
