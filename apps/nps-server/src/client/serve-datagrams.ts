import type { Conn } from '@sluice/net'
import { Shaper } from '@sluice/ratelimit'
import { Account, Association, type AssociationOptions, codeOf, type DatagramClient } from '@sluice/service'
import { type Address, encodeSocksAddress, parseAddress } from '@sluice/wire'
import { MAX_STREAM_DATAGRAM, type StreamHeader } from '@sluice/wire/bridge'
import { acceptStream, refuseStream } from '../bridge/answer-stream.ts'
import { DatagramStream } from '../bridge/datagram-stream.ts'
import { readPacket } from '../bridge/stream-links.ts'
import type { Cut, IncomingParts } from './incoming-streams.ts'
import { targetAddress } from './target-address.ts'
import { countingLanes } from './traffic.ts'

type HeaderOf<Type extends StreamHeader['type']> = Extract<StreamHeader, { type: Type }>
type Parts = Pick<IncomingParts, 'locate' | 'traffic' | 'log'>

/** The server says when a visitor has been idle for too long; this is for one that never does. */
const IDLE_MS = 3_600_000
/** Nobody asks a client program for them. */
const UNCOUNTED: AssociationOptions['metrics'] = { datagrams: { up: 0, down: 0 }, datagramDropped: () => {} }
const NOTHING = new Uint8Array(0)
const VISITOR = { id: 'visitor', name: '', enabled: true, limits: {}, credentials: [] } as const
/** Whoever is led here is nobody's user: the server knows whose they are. */
const nobody = new Account(VISITOR, new Shaper(), {}, () => {})

/** Datagrams between a stream and one target. */
export const serveUdp = async (
  stream: Conn,
  header: HeaderOf<'udp'>,
  cut: Cut,
  parts: Parts,
): Promise<void> => {
  const target = targetAddress(header.target)
  try {
    // Refused now, and not by silence.
    await parts.locate(target, callerOf(header))
  } catch (error) {
    return refuseStream(stream, codeOf(error))
  }
  await run(stream, { header, cut, parts, headOf: () => NOTHING }, (association) => {
    const destination = association.towards(target)
    return (datagram) => association.send(Buffer.from(datagram), destination)
  })
}

/** Datagrams between a stream and anybody whom this machine may send to; the address stands in front of each. */
export const servePackets = (
  stream: Conn,
  header: HeaderOf<'packets'>,
  cut: Cut,
  parts: Parts,
): Promise<void> =>
  run(stream, { header, cut, parts, headOf: encodeSocksAddress }, (association) => (datagram) => {
    const to = readPacket(datagram)
    if (to === undefined) association.drop('malformed')
    else association.send(Buffer.from(datagram.subarray(to.size)), association.towards(to.value))
  })

interface Run {
  readonly header: HeaderOf<'udp' | 'packets'>
  readonly cut: Cut
  readonly parts: Parts
  readonly headOf: (peer: Address) => Uint8Array
}

/** Until the stream is closed, or nothing has passed for very long. */
const run = (
  stream: Conn,
  { header, cut, parts: { traffic, ...parts }, headOf }: Run,
  takerOf: (association: Association) => (datagram: Uint8Array) => void,
): Promise<void> =>
  new Promise((resolve) => {
    const datagrams = new DatagramStream(stream)
    const over = (): void => {
      association.close()
      datagrams.close()
      resolve()
    }
    const client: DatagramClient = {
      maxBytes: MAX_STREAM_DATAGRAM,
      headOf,
      send: (head, payload) => void datagrams.send(payload, head),
    }
    const association = new Association({
      ...parts,
      metrics: UNCOUNTED,
      ...{ caller: callerOf(header), client, lanes: countingLanes(traffic), idleMs: IDLE_MS, onEnd: over },
    })
    datagrams.onDatagram = takerOf(association)
    datagrams.onClosed = over
    cut.onCut = over
    acceptStream(stream)
    datagrams.start()
  })

const callerOf = ({
  type,
  visitor,
}: HeaderOf<'udp' | 'packets'>): { account: Account; client: Address; door: string; protocol: string } => ({
  account: nobody,
  client: parseAddress(visitor),
  door: 'bridge',
  protocol: type,
})
