import { type Conn, refuse } from '@sluice/net'
import { codeOf } from '@sluice/service'
import { STREAM_STATUS } from '@sluice/wire/bridge'
import type { LiveClient } from '../registry.ts'
import { refuseStream } from './answer-stream.ts'
import { clientStatus } from './client-status.ts'
import type { NativeAgent } from './native-agent.ts'
import { readStreamHeader } from './read-stream-header.ts'

/**
 * Leads a stream of a client program to a secret tunnel: answers it by `acceptStream` or `refuseStream`, and owns it from then on.
 * @param passwordMd5 of the tunnel's password, in hex
 */
export type OnVisit = (stream: Conn, passwordMd5: string, agent: NativeAgent) => void

/** Who takes the streams that a client program opens. */
export interface OwnStreams {
  readonly agent: NativeAgent
  readonly client: LiveClient
  /** How long a stream may take to say what it is for. */
  readonly headerMs: number
  /** Left out: visitors are refused. */
  readonly onVisit: OnVisit | undefined
  /** It takes no more streams. */
  readonly onLeave: () => void
}

/** Never rejects. */
export const serveOwnStream = async (stream: Conn, to: OwnStreams): Promise<void> => {
  try {
    const header = await readStreamHeader(stream, to.headerMs)
    if (header.type === 'visit' && to.onVisit !== undefined) to.onVisit(stream, header.password, to.agent)
    else if (header.type === 'status') await tell(stream, clientStatus(to.client))
    else if (header.type === 'leave') {
      to.onLeave()
      await tell(stream)
    } else await refuseStream(stream, 'COMMAND_UNSUPPORTED')
  } catch (error) {
    await refuseStream(stream, codeOf(error))
  }
}

/** OK, then `value` as JSON, then the end. */
const tell = (stream: Conn, value?: object): Promise<void> => {
  const json = value === undefined ? '' : JSON.stringify(value)
  return refuse(stream, Buffer.concat([Uint8Array.of(STREAM_STATUS.OK), Buffer.from(json)]))
}
