import { Ledger } from '../ledger.ts'
import type { Lab } from './lab.ts'

/** A ledger of the lab's store, on the lab's wall clock. */
export const ledgerOf = (lab: Lab, onBatch: (result: string) => void = () => {}): Ledger =>
  new Ledger({
    store: lab.store,
    directory: lab.directory,
    node: 'node-1',
    log: lab.journal.log,
    onBatch,
    now: () => lab.wall.now,
  })

/** Counts bytes of a user as a lane does. */
export const count = (lab: Lab, id: string, bytes: number, direction: 'up' | 'down' = 'up'): void => {
  lab.directory.touch(lab.account(id))
  lab.account(id).count(direction, bytes)
}
