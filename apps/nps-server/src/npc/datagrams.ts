import type { DatagramLink } from '../agent.ts'
import type { MessageStream } from '../mux/mux.ts'

const ignore = (): void => {}

/** Each datagram is one message of the stream. */
export const npcDatagrams = (stream: MessageStream): DatagramLink => {
  const link: DatagramLink = {
    send: (payload) => payload.length > 0 && stream.send(payload),
    onDatagram: ignore,
    onClose: ignore,
    close: () => stream.close(),
  }
  stream.onMessage = (message) => link.onDatagram(message)
  stream.onClose = (error) => link.onClose(error)
  return link
}
