import { SourceError } from './source-error.ts'
import { isRecord, parseJson } from './userconfigs.ts'

/** What a panel says about the users of this node. */
export interface PanelAnswer {
  readonly rows: readonly unknown[]
  /** Of users whose row has none. */
  readonly sharedPort: number | undefined
  /** Where usage is to be posted, if elsewhere. */
  readonly postTo: string | undefined
  /** It is a panel that wants to know bandwidths as well. */
  readonly wantsBandwidth: boolean
}

/**
 * The answer to GET: `{"users":[…]}`, from 2024 on with `xray_config`, whose inbound has the port, and
 * `sync_traffic_endpoint`. A panel that does not know the token says `{"msg":"auth error"}` with status 200.
 * @throws SourceError PANEL_REFUSED, PANEL_FORMAT
 */
export const readUsersAnswer = (bytes: Uint8Array): PanelAnswer => {
  const root = readObject(bytes)
  const { users, xray_config: xray, sync_traffic_endpoint: postTo } = root
  if (!Array.isArray(users)) throw refusal(root) ?? new SourceError('PANEL_FORMAT', 'wanted {"users": [ … ]}')
  return {
    rows: users as unknown[],
    sharedPort: portOf(xray),
    postTo: typeof postTo === 'string' && postTo !== '' ? postTo : undefined,
    wantsBandwidth: isRecord(xray) || typeof postTo === 'string',
  }
}

/**
 * The answer to POST: `{}`, or in 2019 `{"ret":1,"data":[]}`. Panels of other make say `ok` or nothing, which is as good,
 * since nodes never cared; but a page, or half an object, does not come from whoever books usage.
 * @throws SourceError PANEL_REFUSED, PANEL_FORMAT
 */
export const readUsageAnswer = (bytes: Uint8Array): void => {
  if (!/^\s*[{<]/.test(new TextDecoder().decode(bytes))) return
  const root = readObject(bytes)
  const { ret } = root
  if (ret === 1) return
  const refused =
    refusal(root) ?? (ret === undefined ? undefined : new SourceError('PANEL_REFUSED', 'ret is not 1'))
  if (refused !== undefined) throw refused
}

const readObject = (bytes: Uint8Array): Readonly<Record<string, unknown>> => {
  let root: unknown
  try {
    root = parseJson(bytes)
  } catch {
    throw new SourceError('PANEL_FORMAT', 'the answer is not JSON')
  }
  if (isRecord(root)) return root
  throw new SourceError('PANEL_FORMAT', 'the answer is not an object')
}

/** Its words are not told, but for those that are known: they may hold what was sent. */
const refusal = ({ msg }: Readonly<Record<string, unknown>>): SourceError | undefined => {
  if (typeof msg !== 'string') return undefined
  return new SourceError('PANEL_REFUSED', msg === 'auth error' ? 'auth error: is the token right?' : 'msg')
}

/** Of the inbound for Shadowsocks: others, such as that of Xray's own API, have ports too. */
const portOf = (xray: unknown): number | undefined => {
  const inbounds: unknown = isRecord(xray) ? xray['inbounds'] : undefined
  if (!Array.isArray(inbounds)) return undefined
  const inbound: unknown = inbounds.find((each) => isRecord(each) && each['protocol'] === 'shadowsocks')
  const port = isRecord(inbound) ? Number(inbound['port']) : Number.NaN
  return Number.isInteger(port) && port > 0 && port < 65_536 ? port : undefined
}
