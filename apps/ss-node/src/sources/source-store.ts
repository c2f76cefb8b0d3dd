import type { UserStore } from '@sluice/userstore'

/** What sources need of the store. */
export type SourceStore = Pick<UserStore, 'installId' | 'sync' | 'unreported' | 'report'>
