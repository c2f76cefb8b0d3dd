import { formatDuration, formatRate, formatSize } from '@sluice/wire'
import { formatNodeId, type Welcome } from '@sluice/wire/relay'
import { Control } from '../peer/control.ts'
import { systemTiming } from '../peer/timing.ts'
import { type Outcome, outcomeOf } from './outcome.ts'
import type { Peer } from './peer.ts'
import type { RelayLink } from './relay-link.ts'

/** How one relay was found. Rates and sizes of 0 are no limit. */
export type RelayLook = { readonly relay: string } & (
  ({ readonly ok: true; readonly id: string } & Told) | ({ readonly ok: false } & Outcome)
)

interface Told extends Pick<Welcome, 'duration' | 'data' | 'rate' | 'circuits' | 'observed'> {
  /** To connect, and to log in, ms. */
  readonly loginMs: number
  /** There and back behind that, ms. */
  readonly rttMs: number
}

/** Logs in at each relay, all at once. */
export const lookAt = (peer: Peer): Promise<RelayLook[]> =>
  Promise.all(peer.links.map((link) => lookAtOne(peer, link)))

const lookAtOne = async (peer: Peer, link: RelayLink): Promise<RelayLook> => {
  const relay = link.url
  const startedAt = performance.now()
  try {
    const { port, loggedIn } = await peer.visit(link)
    const loginMs = tenths(performance.now() - startedAt)
    const control = new Control(port, loggedIn, { incoming: () => {} }, systemTiming)
    const rttMs = tenths(await control.ping())
    control.close()
    const { duration, data, rate, circuits, observed } = loggedIn.welcome
    const told: Told = { loginMs, rttMs, duration, data, rate, circuits, observed }
    return { relay, ok: true, id: formatNodeId(loggedIn.relayId), ...told }
  } catch (error) {
    return { relay, ok: false, ...outcomeOf(error) }
  }
}

/** For people. */
export const linesOf = (looks: readonly RelayLook[]): string[] =>
  looks.flatMap((look) => (look.ok ? goodLines(look) : [`${look.relay}: ${look.why ?? look.code}`]))

const goodLines = (look: Extract<RelayLook, { ok: true }>): string[] => [
  `${look.relay}: reachable, ${look.rttMs} ms there and back, ${look.loginMs} ms to log in`,
  `  relay ${look.id}, which sees this peer at ${look.observed}`,
  `  a circuit may use ${limit(look.rate, 'any rate', formatRate)} and ${limit(look.data, 'any amount', formatSize)} ` +
    `each way, for ${limit(look.duration, 'any time', (seconds) => formatDuration(seconds * 1000))}; ` +
    `${limit(look.circuits, 'any number', String)} at a time`,
]

const limit = (value: number, none: string, format: (value: number) => string): string =>
  value === 0 ? none : format(value)

const tenths = (ms: number): number => Math.round(ms * 10) / 10
