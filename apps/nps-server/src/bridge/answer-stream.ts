import { type Conn, refuse } from '@sluice/net'
import { STREAM_STATUS, streamStatusOf } from '@sluice/wire/bridge'

/** Tells whoever opened a stream that it leads where they asked. */
export const acceptStream = (stream: Conn): void => {
  stream.write(Uint8Array.of(STREAM_STATUS.OK))
}

/** Tells whoever opened a stream why it leads nowhere, and ends it. Never rejects. @param code of the table of outcomes */
export const refuseStream = (stream: Conn, code: string): Promise<void> =>
  refuse(stream, Uint8Array.of(streamStatusOf(code)))
