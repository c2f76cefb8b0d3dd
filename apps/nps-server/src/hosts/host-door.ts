import type { Account, Directory } from '@sluice/service'
import type { ForwardSettings } from '@sluice/service/http'
import type { Address } from '@sluice/wire'
import type { LiveClient } from '../registry.ts'
import type { HostCaches } from './cache/host-caches.ts'
import type { HostAcme } from './host-acme.ts'
import type { HostRouter } from './router.ts'
import type { VisitorLogins } from './visitor-logins.ts'

/** What all connections of visitors share. */
export interface HostDoor {
  readonly directory: Directory
  readonly logins: VisitorLogins
  readonly acme: HostAcme
  readonly caches: HostCaches
  ownerOf(client: LiveClient): Account
  /** That of now. */
  router(): HostRouter
  /** Those of now. */
  forward(): ForwardSettings
  /** Where visitors are sent that are to come by https; undefined: nowhere. */
  https(): Address | undefined
  /** Wall clock. */
  readonly now: () => number
}
