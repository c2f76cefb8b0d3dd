import { ServiceError } from '@sluice/service'
import type { Address, HttpField } from '@sluice/wire'
import type { LiveHost } from '../registry.ts'
import { checkMayVisit } from '../visitor-lists.ts'
import type { HostDoor } from './host-door.ts'
import type { Scheme } from './router.ts'

/** What a request says of where it goes and who sends it. */
export interface Asked {
  readonly host: string
  readonly authority: string
  readonly path: string
  readonly scheme: Scheme
  readonly fields: readonly HttpField[]
  readonly ip: string
}

/** The host of a request, or where its visitor is sent instead. */
export type Found = { readonly live: LiveHost } | { readonly location: string }

/**
 * Who gets a request, past all that is asked before the host is entered, in this order: the visitor's address, whether they
 * come by https, and their password, which is thus not asked for where others could read it.
 * @throws ServiceError HOST_UNKNOWN, VISITOR_DENIED; what `VisitorLogins.check` throws
 */
export const findHost = (asked: Asked, door: HostDoor): Found | Promise<Found> => {
  const live = door.router().find(asked, door.now())
  if (live === undefined) throw new ServiceError('HOST_UNKNOWN')
  checkMayVisit(asked.ip, live)
  const https = door.https()
  if (live.record.autoHttps && asked.scheme === 'http' && https !== undefined)
    return { location: secureUrl(asked, https) }
  const found = { live }
  const late = door.logins.check(live.client, authorization(asked.fields), asked.ip)
  return late === undefined ? found : late.then(() => found)
}

const secureUrl = ({ host, path }: Asked, { port }: Address): string => {
  const name = host.includes(':') ? `[${host}]` : host
  return `https://${name}${port === 443 ? '' : `:${port}`}${path === '*' ? '/' : path}`
}

const authorization = (fields: readonly HttpField[]): string[] =>
  fields.filter(([name]) => name.toLowerCase() === 'authorization').map(([, value]) => value)
