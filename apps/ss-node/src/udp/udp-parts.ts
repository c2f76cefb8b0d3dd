import type { Clock } from '@sluice/ratelimit'
import type { AssociationOptions, CallerLocate, DatagramListener, Log } from '@sluice/service'
import type { RandomBytes } from '@sluice/wire/shadowsocks'
import type { SsMetrics } from '../ss-metrics.ts'
import type { EndedWindows } from './ended-windows.ts'
import type { KeySearch } from './key-search.ts'

/** What can change while ports are open; it holds for associations that begin then. */
export interface UdpSettings {
  readonly idleMs: number
  /** As `source` of an `Association`. */
  readonly source: string | undefined
}

/** What the datagrams of all ports share. */
export interface UdpParts {
  settings: UdpSettings
  readonly locate: CallerLocate
  readonly log: Log
  readonly search: KeySearch
  /** Those of datagrams alone: at the rate at which they come, the requests of conns would soon be forgotten. */
  readonly salts: { add(salt: Uint8Array): boolean }
  readonly ended: EndedWindows
  readonly random: RandomBytes
  readonly counted: Pick<SsMetrics, 'refused'>
  readonly wallNow: () => number
  /** Whether it is time to tell of this again. */
  readonly isDue: (what: string) => boolean
  /** @default the system's */
  readonly clock?: Clock
  /** @default a socket of the system */
  readonly bind?: AssociationOptions['bind']
}

/** What the associations of one port answer by. */
export type UdpSocket = Pick<DatagramListener, 'maxBytes' | 'send' | 'parts'>
