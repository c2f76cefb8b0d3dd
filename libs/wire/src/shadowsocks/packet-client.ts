import type { SsBody } from './datagram-body.ts'
import { PacketReader } from './packet.ts'
import { PACKET_TYPE } from './packet-body.ts'
import {
  type PacketKeys,
  PacketOpener,
  PacketSealer,
  type RandomBytes,
  sessionIdBytes,
} from './packet-seal.ts'

const NONE = new Uint8Array(0)

/** An answer that was opened. */
export interface SsPacketAnswer extends SsBody {
  /** Of the server's session. */
  readonly sessionId: bigint
  readonly packetId: number
}

/** The client's end of a session with a 2022 method. It judges neither packet IDs nor how many sessions a server has. */
export class SsPacketClient {
  readonly #keys: PacketKeys
  readonly #sealer: PacketSealer
  readonly #reader: PacketReader
  readonly #id: Uint8Array
  #opener: { sessionId: bigint; opener: PacketOpener } | undefined

  /** @param id new and random */
  constructor(keys: PacketKeys, id: bigint, random: RandomBytes) {
    this.#keys = keys
    this.#sealer = new PacketSealer(keys, id, random)
    this.#reader = new PacketReader(keys.key)
    this.#id = sessionIdBytes(id)
  }

  /**
   * Seals a payload for `address`, under the next packet ID.
   * @param seconds the clock, in s since 1970
   * @param padding bytes to hide the length with
   * @throws WireError WIRE_TOO_LONG
   */
  seal(address: Uint8Array, payload: Uint8Array, seconds: number, padding = 0): Uint8Array {
    return this.#sealer.seal({ type: PACKET_TYPE.UP, seconds, clientId: NONE, padding }, address, payload)
  }

  /**
   * @returns undefined where it was not sealed with the user's key, or changed
   * @throws WireError WIRE_CLOCK where the clocks differ by over 30 s; WIRE_VALUE for another type or session;
   *   WIRE_LENGTH, WIRE_ADDRESS_TYPE, WIRE_ADDRESS
   */
  open(bytes: Uint8Array, seconds: number): SsPacketAnswer | undefined {
    const packet = this.#reader.read(bytes)
    if (packet === undefined) return undefined
    const { sessionId, packetId } = packet
    const expected = { type: PACKET_TYPE.DOWN, seconds, clientId: this.#id }
    const body = this.#openerOf(sessionId).open(packet, expected)
    return body && { ...body, sessionId, packetId }
  }

  #openerOf(sessionId: bigint): PacketOpener {
    if (this.#opener?.sessionId === sessionId) return this.#opener.opener
    const opener = new PacketOpener(this.#keys.key, sessionId, 0)
    this.#opener = { sessionId, opener }
    return opener
  }
}
