import { type Conn, Relay, writeProxyHeader } from '@sluice/net'
import { codeOf } from '@sluice/service'
import { parseAddress } from '@sluice/wire'
import type { StreamHeader } from '@sluice/wire/bridge'
import { acceptStream, refuseStream } from '../bridge/answer-stream.ts'
import { DialWatch } from './dial-watch.ts'
import type { Cut, IncomingParts } from './incoming-streams.ts'
import { targetAddress } from './target-address.ts'
import { countingLanes } from './traffic.ts'

type TcpHeader = Extract<StreamHeader, { type: 'tcp' }>

/** Relays a stream to the target that it asks for; where that cannot be reached, the server is told why. Never rejects. */
export const serveTcp = async (
  stream: Conn,
  header: TcpHeader,
  cut: Cut,
  { dial, traffic, log }: Pick<IncomingParts, 'dial' | 'traffic' | 'log'>,
): Promise<void> => {
  const { target, visitor } = header
  let conn: Conn
  try {
    conn = await reach(stream, header, dial)
  } catch (error) {
    const code = codeOf(error)
    log.info({ target, visitor, code }, 'stream.refused')
    return refuseStream(stream, code)
  }
  const relay = new Relay(stream, conn, countingLanes(traffic))
  cut.onCut = (error): void => relay.cut(error)
  try {
    acceptStream(stream)
    await relay.run()
  } catch (error) {
    log.debug({ target, visitor, code: codeOf(error) }, 'stream.broke')
  } finally {
    conn.destroy()
  }
}

/** Dials the target, and tells it who the visitor is where it is to know. @throws WireError, NetError */
const reach = async (
  stream: Conn,
  { target, visitor, proxy }: TcpHeader,
  dial: IncomingParts['dial'],
): Promise<Conn> => {
  const address = targetAddress(target)
  const told = proxy && { from: parseAddress(visitor), to: parseAddress(proxy.to) }
  using watch = new DialWatch(stream)
  const conn = await dial(address, watch.signal)
  if (told !== undefined) writeProxyHeader(conn, proxy!.version, told.from, told.to)
  return conn
}
