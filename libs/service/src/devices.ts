import { clientNetwork } from './client-network.ts'

/** When a client address is one of its user's devices. Changes hold at once. */
export interface DeviceRules {
  /** Payload that passes before it is one; 0: none, its first session makes it one. */
  bytes: number
  /** How long it stays one after its last session, ms; 0: not at all. */
  ttlMs: number
  /** Monotonic, ms. */
  readonly now: () => number
}

interface Device {
  /** Those that are open. */
  sessions: number
  /** Payload that has passed before it counted. */
  bytes: number
  counts: boolean
  leftAt: number
}

/** Those without a session; the one that left first is forgotten first. */
const MAX_GONE = 1024
const MAX_SEEN = 64
const NOBODY: ReadonlySet<string> = new Set()

/**
 * The addresses that one user comes from, IPv6 by its /64. One that has moved little does not count, such as a latency
 * test's; one that has just left still does, so that many cannot take turns.
 */
export class Devices {
  readonly #rules: DeviceRules
  /** With sessions, in the order in which they came. Made when somebody comes: thousands of users never do. */
  #here: Map<string, Device> | undefined = undefined
  /** In the order in which they left. */
  #gone: Map<string, Device> | undefined = undefined
  #seen: Set<string> | undefined = undefined
  #counted = 0

  constructor(rules: DeviceRules) {
    this.#rules = rules
  }

  /** Those with sessions, counted or not. */
  get present(): number {
    return this.#here?.size ?? 0
  }

  /** Whether nothing of them is left to be remembered. */
  get isEmpty(): boolean {
    this.#forgetLate()
    return this.present === 0 && (this.#gone?.size ?? 0) === 0
  }

  isPresent(ip: string): boolean {
    return this.#here?.has(clientNetwork(ip)) ?? false
  }

  /** Whether a session may come from there where so many devices are allowed. */
  admits(ip: string, most: number): boolean {
    if (most === Infinity) return true
    this.#forgetLate()
    return this.#counted < most || this.#find(clientNetwork(ip))?.counts === true
  }

  /** A session has come. */
  enter(ip: string): void {
    const network = clientNetwork(ip)
    const device = this.#find(network) ?? { sessions: 0, bytes: 0, counts: false, leftAt: 0 }
    this.#arrive(network, device)
    if (this.#rules.bytes === 0) this.#count(device)
    this.#see(ip)
  }

  /** One of the sessions from there is over. */
  leave(ip: string): void {
    const network = clientNetwork(ip)
    const device = this.#here!.get(network)!
    device.sessions -= 1
    if (device.sessions > 0) return
    this.#here!.delete(network)
    if (this.#rules.ttlMs === 0) this.#discount(device)
    else this.#remember(network, device)
  }

  /** A session from there has moved payload. @returns whether the device may go on: it counts now, and there is a place */
  moved(ip: string, bytes: number, most: number): boolean {
    this.#see(ip)
    const device = this.#find(clientNetwork(ip))
    if (device === undefined || device.counts) return true
    device.bytes += bytes
    if (device.bytes < this.#rules.bytes) return true
    this.#forgetLate()
    if (this.#counted >= most) return false
    this.#count(device)
    return true
  }

  /**
   * A session goes on from another address. The last one takes its device along, which needs no place of its own then.
   * @returns whether it may; where not, it is still where it was
   */
  roam(from: string, to: string, most: number): boolean {
    const [old, next] = [clientNetwork(from), clientNetwork(to)]
    if (old !== next) {
      if (this.#here!.get(old)!.sessions === 1) this.#carry(old, next)
      else if (!this.admits(to, most)) return false
      else {
        this.leave(from)
        this.enter(to)
      }
    }
    this.#see(to)
    return true
  }

  /** Fewer are allowed. @returns the networks whose sessions have to end: those that came last */
  excess(most: number): ReadonlySet<string> {
    if (this.#counted <= most) return NOBODY
    this.#forgetLate()
    for (const [network, device] of [...(this.#gone ?? [])].toReversed()) {
      if (this.#counted > most && device.counts) this.#forget(network, device)
    }
    const networks = new Set<string>()
    for (const [network, device] of [...(this.#here ?? [])].toReversed()) {
      if (this.#counted <= most) break
      if (device.counts) networks.add(network)
      this.#discount(device)
    }
    return networks
  }

  /** Addresses from which sessions have come or moved payload since this was last asked, 64 at most. */
  takeSeen(): string[] {
    const seen = [...(this.#seen ?? [])]
    this.#seen = undefined
    return seen
  }

  #find(network: string): Device | undefined {
    return this.#here?.get(network) ?? this.#gone?.get(network)
  }

  #arrive(network: string, device: Device): void {
    device.sessions += 1
    this.#gone?.delete(network)
    this.#here ??= new Map()
    this.#here.set(network, device)
  }

  #carry(old: string, next: string): void {
    const here = this.#here!
    const device = here.get(old)!
    const there = this.#find(next)
    here.delete(old)
    if (there === undefined) here.set(next, device)
    else {
      this.#arrive(next, there)
      if (device.counts) this.#count(there)
      this.#discount(device)
    }
  }

  #count(device: Device): void {
    if (device.counts) return
    device.counts = true
    this.#counted += 1
  }

  #discount(device: Device): void {
    if (!device.counts) return
    device.counts = false
    this.#counted -= 1
  }

  #remember(network: string, device: Device): void {
    this.#gone ??= new Map()
    device.leftAt = this.#rules.now()
    this.#gone.set(network, device)
    const [oldest] = this.#gone
    if (this.#gone.size > MAX_GONE) this.#forget(...oldest!)
  }

  #forgetLate(): void {
    const { ttlMs, now } = this.#rules
    if (this.#gone === undefined || this.#gone.size === 0) return
    const since = now() - ttlMs
    for (const [network, device] of this.#gone) {
      if (device.leftAt > since) return
      this.#forget(network, device)
    }
  }

  #forget(network: string, device: Device): void {
    this.#gone!.delete(network)
    this.#discount(device)
  }

  #see(ip: string): void {
    this.#seen ??= new Set()
    if (this.#seen.size < MAX_SEEN) this.#seen.add(ip)
  }
}
