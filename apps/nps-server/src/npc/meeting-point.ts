import type { Conn } from '@sluice/net'
import { type Address, formatAddress } from '@sluice/wire'

const ANYWHERE: ReadonlySet<string> = new Set(['0.0.0.0', '::'])

/** What to call a meeting point to whoever has come by `conn`: where it listens everywhere, the address that they came to. */
export const meetingPoint = ({ host, port }: Address, { local }: Pick<Conn, 'local'>): string =>
  formatAddress({ host: ANYWHERE.has(host) ? local.host : host, port })
