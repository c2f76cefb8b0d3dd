import type { SsBody } from './datagram-body.ts'
import type { SsKey } from './key.ts'
import type { SsPacket } from './packet.ts'
import { PACKET_TYPE } from './packet-body.ts'
import { PacketOpener, PacketSealer, type RandomBytes, sessionIdBytes } from './packet-seal.ts'
import { PacketWindow } from './packet-window.ts'

const NONE = new Uint8Array(0)

export interface SsPacketSessionOptions {
  /** The user's. */
  readonly key: SsKey
  /** Whether an identity header stands in the client's packets. */
  readonly identity?: boolean
  /** Session ID of the client's packets. */
  readonly clientId: bigint
  /** Session ID of the answers: new and random. */
  readonly ownId: bigint
  /** Asked for 24 bytes a packet, with chacha20 alone. */
  readonly random: RandomBytes
  /** What came in it before, where it goes on. @default nothing */
  readonly window?: PacketWindow | undefined
}

/**
 * The server's end of one client's session with a 2022 method: keys, packet IDs and window. Nothing is done for the
 * answers until the first one.
 */
export class SsPacketSession {
  /** Of the client's packets: ask it before {@link open}, and tell it after. */
  readonly window: PacketWindow
  readonly #options: SsPacketSessionOptions
  readonly #opener: PacketOpener
  readonly #clientId: Uint8Array
  #sealer: PacketSealer | undefined

  constructor(options: SsPacketSessionOptions) {
    this.window = options.window ?? new PacketWindow()
    this.#options = options
    this.#opener = new PacketOpener(options.key, options.clientId, options.identity === true ? 1 : 0)
    this.#clientId = sessionIdBytes(options.clientId)
  }

  /**
   * Opens a packet with the session's ID. Its packet ID is not judged.
   * @param seconds the clock, in s since 1970
   * @returns undefined where it was not sealed with the user's key, or changed
   * @throws WireError WIRE_CLOCK where the clocks differ by over 30 s; WIRE_VALUE for another type; WIRE_LENGTH,
   *   WIRE_ADDRESS_TYPE, WIRE_ADDRESS
   */
  open(packet: SsPacket, seconds: number): SsBody | undefined {
    return this.#opener.open(packet, { type: PACKET_TYPE.UP, seconds, clientId: NONE })
  }

  /**
   * Seals an answer, under the next packet ID.
   * @param address from where it came, as {@link encodeSocksAddress} gives it
   * @param seconds the clock, in s since 1970
   * @param padding bytes to hide the length with
   * @throws WireError WIRE_TOO_LONG
   */
  seal(address: Uint8Array, payload: Uint8Array, seconds: number, padding = 0): Uint8Array {
    const { key, ownId, random } = this.#options
    // Answers stand under the user's own key, without identity headers.
    this.#sealer ??= new PacketSealer({ key, serverKeys: [] }, ownId, random)
    const head = { type: PACKET_TYPE.DOWN, seconds, clientId: this.#clientId, padding }
    return this.#sealer.seal(head, address, payload)
  }
}
