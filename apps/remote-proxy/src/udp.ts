import { type AccessConfig, Association, type CallerLocate, Seldom } from '@sluice/service'
import { type SocksCommand, UdpAssociate, type UdpAssociateOptions } from '@sluice/service/socks'

export interface UdpOptions extends Pick<UdpAssociateOptions<unknown>, 'address' | 'ports'> {
  readonly locate: CallerLocate
  /** An association in which nothing passes for so long ends. */
  readonly idleMs: number
  /** As `source` of an `Association`. */
  readonly source?: AccessConfig['source']
}

const SELDOM_MS = 60_000

/** UDP ASSOCIATE to targets that are reached from here. */
export const udpAssociate = ({ address, ports, ...rest }: UdpOptions): SocksCommand => {
  const shared = { ...rest, seldom: new Seldom(SELDOM_MS) }
  return new UdpAssociate({
    address,
    ports,
    open: (caller, client, onEnd) => {
      const { lanes, metrics, log } = caller
      return new Association({ ...shared, caller, client, lanes, metrics, log, onEnd })
    },
  })
}
