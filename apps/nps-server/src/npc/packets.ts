import { decodeSocksDatagram, encodeSocksDatagram } from '@sluice/wire'
import { decodeUdp5, MAX_NPC_DATAGRAM } from '@sluice/wire/npc'
import type { PacketLink } from '../agent.ts'
import type { MessageStream } from '../mux/mux.ts'

/** What the program reads at once, with the SOCKS head; what is longer would come out as two. */
const MAX_SENT = 1671
/** In front of the longest datagram: its length. */
const MAX_WAITING = MAX_NPC_DATAGRAM + 4
const NOTHING = new Uint8Array(0)
const ignore = (): void => {}

/** Datagrams as SOCKS5 has them: one message each towards the program, and behind their lengths on the way back. */
export const npcPackets = (stream: MessageStream): PacketLink => {
  const scratch = new Uint8Array(MAX_SENT)
  const link: PacketLink = {
    send: (address, payload) => {
      const head = encodeSocksDatagram({ fragment: 0, address })
      const size = head.length + payload.length
      if (size > MAX_SENT) return false
      scratch.set(head)
      scratch.set(payload, head.length)
      return stream.send(scratch.subarray(0, size))
    },
    onDatagram: ignore,
    onClose: ignore,
    close: () => stream.close(),
  }
  stream.onClose = (error) => link.onClose(error)
  stream.onMessage = unpacker(stream, link)
  return link
}

/** Messages may hold a part of a datagram, or several. */
const unpacker = (stream: MessageStream, link: PacketLink): ((message: Uint8Array) => void) => {
  let rest: Uint8Array = NOTHING
  return (message) => {
    try {
      rest = takeAll(rest.length === 0 ? message : Buffer.concat([rest, message]), link)
      if (rest.length > MAX_WAITING) throw new RangeError('more than a datagram')
    } catch (error) {
      stream.close()
      link.onClose(error as Error)
    }
  }
}

/** @returns what is not whole, as a copy */
const takeAll = (bytes: Uint8Array, link: PacketLink): Uint8Array => {
  let at = 0
  for (;;) {
    const found = decodeUdp5(bytes.subarray(at))
    if (found === undefined) return at === bytes.length ? NOTHING : bytes.slice(at)
    at += found.size
    const head = decodeSocksDatagram(found.value)
    if (head?.value.fragment === 0) link.onDatagram(head.value.address, found.value.subarray(head.size))
  }
}
