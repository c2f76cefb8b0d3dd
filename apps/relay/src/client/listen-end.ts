import { type Conn, createDial, type Dial } from '@sluice/net'
import type { Log } from '@sluice/service'
import { type Address, formatAddress } from '@sluice/wire'
import { relayStatusName } from '@sluice/wire/relay'
import { outcomeOf } from './outcome.ts'
import type { Peer } from './peer.ts'
import type { ListenConfig } from './peer-config.ts'
import { PeerEnd } from './peer-end.ts'
import type { HeldNote, PeerNotes } from './peer-notes.ts'
import type { PeerListener, Taker } from './peer-listener.ts'
import type { PeerCircuit } from './relay-link.ts'

export interface ListenEndOptions {
  /** Where other commands look for what is held. */
  readonly notes?: PeerNotes | undefined
  readonly config: Pick<ListenConfig, 'ops' | 'graceMs' | 'forward' | 'allowPeer'>
  readonly peer: Peer
  readonly log: Log
  readonly version: string
}

export interface ListenEnd {
  readonly end: PeerEnd
  /** Once a reservation is held, and all is said; rejects where none can be had. */
  readonly opened: Promise<void>
  /** Rejects where it is no use to go on; resolves after its stop. */
  readonly ended: Promise<void>
}

/** A user's own target: it may be anywhere. */
const anywhere: Dial = createDial({ policy: { check: () => {} }, deadlineMs: 5000 })
const { signal } = new AbortController()

/** `relay peer listen`: what others reach of this machine. */
export const openListenEnd = ({ config, peer, log, version, notes }: ListenEndOptions): ListenEnd => {
  const { ops, graceMs, forward, allowPeer } = config
  const onStop = (): void => {
    peer.close()
    notes?.forgetHeld()
  }
  const end: PeerEnd = new PeerEnd({ version, log, ops, graceMs, onStop })
  const allowed = new Set(allowPeer)
  if (allowed.size === 0) log.info({ forward: formatAddress(forward) }, 'peers.any')
  const onOffer = async (from: string): Promise<Taker> => {
    if (allowed.size > 0 && !allowed.has(from)) throw new Error('this peer may not come')
    const target = await reach(forward)
    return {
      take: (circuit) => void carry(end, circuit, target, forward),
      drop: (error) => {
        target.destroy()
        log.info({ peer: from, ...outcomeOf(error) }, 'circuit.failed')
      },
    }
  }
  const noted = new Map<string, HeldNote>()
  const forget = (relay: string): void => {
    if (noted.delete(relay)) notes?.keepHeld([...noted.values()])
  }
  const listener = peer.listenWith(onOffer, {
    held: (relay, { ttl, addresses }) => {
      log.info({ relay, ttl, addresses }, 'reservation.held')
      noted.set(relay, { relay, until: Date.now() + ttl * 1000, addresses })
      notes?.keepHeld([...noted.values()])
    },
    lost: (relay, error, ms) => {
      log.warn({ relay, ...outcomeOf(error), retryMs: Math.round(ms) }, 'reservation.lost')
      forget(relay)
    },
    gaveUp: (relay, error) => {
      log.error({ relay, ...outcomeOf(error) }, 'reservation.given-up')
      forget(relay)
    },
    closed: (relay, { status, up, down, ms }) =>
      log.info({ relay, status: relayStatusName(status), up, down, ms }, 'circuit.closed'),
    notice: (relay, { status, text }) =>
      log.warn({ relay, status: relayStatusName(status), why: text }, 'relay.notice'),
    rejected: (relay, from, error) => log.info({ relay, peer: from, why: error.message }, 'circuit.rejected'),
  })
  const opened = announced(listener, end)
  // It may be awaited late, or not at all.
  opened.catch(() => {})
  return { end, opened, ended: listener.ended }
}

const announced = async (listener: PeerListener, end: PeerEnd): Promise<void> => {
  await listener.ready
  if (!end.isStopping) await end.ready()
}

/** Whoever asks is told that there is nobody, and not where. */
const reach = async (target: Address): Promise<Conn> => {
  try {
    return await anywhere(target, signal)
  } catch (cause) {
    throw new Error('the target of this peer cannot be reached', { cause })
  }
}

const carry = async (
  end: PeerEnd,
  { conn, peer, relay }: PeerCircuit,
  target: Conn,
  forward: Address,
): Promise<void> => {
  const session = end.session({ peer, relay, target: formatAddress(forward) })
  await end.track(session, async () => {
    try {
      await session.carry(conn, target)
      session.over()
    } catch (error) {
      session.over(error)
    }
  })
}
