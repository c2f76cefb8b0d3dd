import type { Manager } from '../manager.ts'
import type { RecordStore } from '../store/record-store.ts'

// What the API needs of the store, and of whoever manages it.

/** All changes: each is checked, made and written to the audit log, under the name of who made it. */
export type Managing = Pick<
  Manager,
  | 'addClient'
  | 'patchClient'
  | 'removeClient'
  | 'newKey'
  | 'addTunnel'
  | 'addTunnels'
  | 'patchTunnel'
  | 'removeTunnel'
  | 'addHost'
  | 'patchHost'
  | 'removeHost'
  | 'resetFlow'
>

/** What is kept, as it is now. */
export type Kept = Pick<
  RecordStore,
  'clients' | 'tunnels' | 'hosts' | 'flowOf' | 'tokens' | 'audit' | 'transaction'
>
