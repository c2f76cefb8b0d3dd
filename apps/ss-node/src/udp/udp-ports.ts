import { randomBytes } from 'node:crypto'
import { type Program, Seldom } from '@sluice/service'
import type { Address } from '@sluice/wire'
import { SaltFilter } from '@sluice/wire/shadowsocks'
import type { FailureGuard } from '../failure-guard.ts'
import type { Keyring } from '../keyring.ts'
import type { SlicedSearch } from '../sliced-search.ts'
import type { SsMetrics } from '../ss-metrics.ts'
import { EndedWindows } from './ended-windows.ts'
import { KeySearch } from './key-search.ts'
import { RandomPool } from './random-pool.ts'
import type { UdpConfig } from './udp-config.ts'
import type { UdpParts, UdpSettings } from './udp-parts.ts'
import { type OpenSocket, UdpPort } from './udp-port.ts'

export interface UdpPortsOptions {
  readonly parts: UdpParts
  readonly openSocket: OpenSocket
  /** @default 5 s */
  readonly retryMs?: number
}

const RETRY_MS = 5000

/** The datagrams of all ports. */
export class UdpPorts {
  readonly #options: UdpPortsOptions
  readonly #ports = new Set<UdpPort>()

  constructor(options: UdpPortsOptions) {
    this.#options = options
  }

  get associations(): number {
    return [...this.#ports].reduce((sum, { size }) => sum + size, 0)
  }

  /** Clients of whom anything is remembered. */
  get clients(): number {
    return [...this.#ports].reduce((sum, { clients }) => sum + clients, 0)
  }

  states(): Record<'open' | 'unavailable', number> {
    const open = [...this.#ports].filter(({ isOpen }) => isOpen).length
    return { open, unavailable: this.#ports.size - open }
  }

  /** Takes datagrams at `address` too, where conns come by already, or will: then that is tried again until it is closed. */
  async open(address: Address, keyring: Keyring): Promise<{ close(): void }> {
    const { parts, openSocket: open, retryMs = RETRY_MS } = this.#options
    const port = new UdpPort({ address, keyring, parts, open, retryMs })
    this.#ports.add(port)
    await port.start()
    const close = (): void => {
      this.#ports.delete(port)
      port.close()
    }
    return { close }
  }

  /** For associations that begin from now on. */
  set(settings: UdpSettings): void {
    this.#options.parts.settings = settings
  }
}

/** What UDP of this door is told, by the program's settings. */
type UdpProgramConfig = UdpConfig & { readonly source: string | undefined }

const SELDOM_MS = 60_000
const SEED_BYTES = 8

/** What conns have too. */
export interface UdpShared {
  readonly search: SlicedSearch
  readonly guard: FailureGuard
  readonly metrics: SsMetrics
}

/** @returns undefined where datagrams are not wanted */
export const openUdpPorts = (
  program: Program,
  config: UdpProgramConfig,
  { search, guard, metrics }: UdpShared,
): UdpPorts | undefined => {
  if (!config.udp) return undefined
  const seldom = new Seldom(SELDOM_MS)
  const ports = new UdpPorts({
    openSocket: (address, onDatagram) => program.datagrams('ss', address, onDatagram, { announce: false }),
    parts: {
      settings: settingsOf(config),
      locate: program.locate,
      log: program.log,
      search: new KeySearch({ search, guard, counted: metrics }),
      counted: metrics,
      salts: new SaltFilter({ seed: randomBytes(SEED_BYTES) }),
      ended: new EndedWindows(),
      random: new RandomPool().take,
      wallNow: Date.now,
      isDue: (what) => seldom.due(what),
    },
  })
  program.onReload<UdpProgramConfig & Parameters<Program['reload']>[0]>(
    (next) => () => ports.set(settingsOf(next)),
  )
  return ports
}

const settingsOf = ({ udpIdleMs: idleMs, source }: UdpProgramConfig): UdpSettings => ({ idleMs, source })
