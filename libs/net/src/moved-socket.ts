import { Socket, type SocketConstructorOpts } from 'node:net'

/** What there is to Node's handle of a TCP socket, as far as this needs it. */
interface Handle {
  useUserBuffer(buffer: Uint8Array): void
}

const handleOf = (socket: Socket): Handle | undefined => {
  const handle: unknown = Reflect.get(socket, '_handle')
  const isUsable = typeof handle === 'object' && handle !== null && 'useUserBuffer' in handle
  return isUsable ? (handle as Handle) : undefined
}

/**
 * A socket with the connection of `from`, which is gone afterwards, and with an `onread` buffer. Node's listeners take
 * no `onread` for the sockets that they accept, and allocating 64 KiB for each read is half of what an upload costs;
 * this and `readInPlace` are the two places that reach for private properties.
 * @returns undefined where this Node does not have it, or where bytes are under way in `from`
 */
export const moveSocket = (
  from: Socket,
  onread: NonNullable<SocketConstructorOpts['onread']>,
  options: SocketConstructorOpts,
): Socket | undefined => {
  const handle = handleOf(from)
  if (handle === undefined || from.destroyed || from.writableEnded || from.readableEnded) return undefined
  if (from.readableLength > 0 || from.writableLength > 0) return undefined
  Object.assign(from, { _handle: null })
  from.removeAllListeners().destroy()
  const own: object = { ...options, onread, handle, manualStart: true }
  return new Socket(own)
}
