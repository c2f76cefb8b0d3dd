import { randomBytes } from 'node:crypto'
import { WireError } from '@sluice/wire'
import { keyHash, openDatagram, PacketReader, type SsKey, SsPacketSession } from '@sluice/wire/shadowsocks'

/**
 * Whether a client's datagram was sealed with this key. Methods that authenticate nothing can but tell whether an address
 * comes out. Its time and packet ID are not judged.
 * @param serverKey of a port where clients say who they are
 */
export const trialDatagram = (key: SsKey, bytes: Uint8Array, serverKey: SsKey | undefined): boolean => {
  const isSealed = key.method.kind === '2022' || key.method.kind === 'aead'
  try {
    return key.method.kind === '2022'
      ? opensPacket(key, bytes, serverKey)
      : openDatagram(key, bytes) !== undefined
  } catch (error) {
    // What is complained about stands inside of the seal.
    if (error instanceof WireError) return isSealed
    throw error
  }
}

const opensPacket = (key: SsKey, bytes: Uint8Array, serverKey: SsKey | undefined): boolean => {
  const reader = new PacketReader(serverKey ?? key)
  const packet = reader.read(bytes)
  if (packet === undefined) return false
  const identity = serverKey !== undefined
  if (identity && Buffer.compare(reader.identity(packet) ?? Buffer.alloc(0), keyHash(key)) !== 0) return false
  const ids = { clientId: packet.sessionId, ownId: 0n }
  const session = new SsPacketSession({ key, identity, ...ids, random: (count) => randomBytes(count) })
  return session.open(packet, Date.now() / 1000) !== undefined
}
