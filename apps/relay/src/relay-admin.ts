import { RELAY_STATUS } from '@sluice/wire/relay'
import type { Ban } from './bans.ts'
import type { BanFile } from './ban-file.ts'
import type { RelayDoor } from './relay-door.ts'

/** One reservation, for an operator. Times are ms since 1970. */
export interface ReservationReport {
  readonly id: string
  readonly user: string | undefined
  readonly ip: string
  readonly since: number
  readonly expiresAt: number
  /** As source and as destination. */
  readonly circuits: number
}

/** One circuit, for an operator. */
export interface CircuitReport {
  readonly key: string
  readonly source: string
  readonly destination: string
  readonly state: string
  readonly since: number
  readonly up: number
  readonly down: number
}

/** What an operator can look at, and do. */
export class RelayAdmin {
  readonly #door: RelayDoor
  readonly #file: BanFile
  readonly #setUnready: (why: string | undefined) => void

  /** @param setUnready tells balancers why nobody should be sent here; undefined: they should */
  constructor(door: RelayDoor, file: BanFile, setUnready: (why: string | undefined) => void) {
    this.#door = door
    this.#file = file
    this.#setUnready = setUnready
  }

  reservations(): readonly ReservationReport[] {
    const { reservations, circuits } = this.#door.state
    return reservations.list().map(({ control: { peer }, since, expiresAt }) => {
      const { id, ip, account } = peer
      return { id, user: account.name, ip, since, expiresAt, circuits: circuits.of(id) }
    })
  }

  /** Sends the peer away; its circuits go on. @returns false where it has no control conn */
  closeReservation(id: string): boolean {
    return this.#door.state.dismiss(id, RELAY_STATUS.ADMIN_CLOSED)
  }

  circuits(): readonly CircuitReport[] {
    const counts = new Map(
      Array.from(this.#door.circuits.runs.all(), (run) => [run.circuit.key, run.counts] as const),
    )
    return this.#door.state.circuits.list().map(({ key, source, destination, state, since }) => {
      const { up = 0, down = 0 } = counts.get(key) ?? {}
      return { key, source: source.id, destination: destination.id, state, since, up, down }
    })
  }

  /** @returns false where there is none with this key */
  closeCircuit(key: string): boolean {
    const circuit = this.#door.state.circuits.find(key)
    circuit?.cut(RELAY_STATUS.ADMIN_CLOSED)
    return circuit !== undefined
  }

  bans(): readonly Ban[] {
    return this.#door.bans.list()
  }

  /**
   * Whoever it is about is sent away, and their circuits are cut.
   * @throws RangeError where `subject` is nobody; the system's error where the ban holds, but only until the program ends
   */
  ban(ban: Ban): void {
    const { bans, state, controls } = this.#door
    bans.add(ban)
    for (const control of [...controls.all.all()]) {
      if (bans.isOut(control.peer)) control.dismiss(RELAY_STATUS.PERMISSION_DENIED)
    }
    for (const circuit of state.circuits.list()) {
      const isOut = bans.isOut(circuit.source) || bans.isOut(circuit.destination)
      if (isOut) circuit.cut(RELAY_STATUS.PERMISSION_DENIED)
    }
    // Last: a disk that is full keeps nobody in.
    this.#file.save(bans.list())
  }

  /** @returns false where there was no such ban */
  lift(subject: string): boolean {
    const { bans } = this.#door
    const had = bans.lift(subject)
    if (had) this.#file.save(bans.list())
    return had
  }

  /** Nobody new comes in, and all who hold on are told to go. @param address another relay's URL, '' for none */
  drain(address: string): void {
    const { controls } = this.#door
    this.#door.drain()
    this.#setUnready('draining')
    controls.elsewhere = address
    for (const control of [...controls.all.all()]) control.dismiss(RELAY_STATUS.SHUTTING_DOWN)
  }

  /** Ends a drain: everybody may come again. */
  undrain(): void {
    this.#door.drain(false)
    this.#setUnready(undefined)
    this.#door.controls.elsewhere = ''
  }
}
