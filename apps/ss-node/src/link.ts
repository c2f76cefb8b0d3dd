import type { UserLink } from '@sluice/service'

/** What `user link` prints. */
export const link = (): UserLink => ({ urls: {}, json: {}, lines: [] })
