import { isIP } from 'node:net'
import type { PortRange } from '@sluice/net'
import { type AccessConfig, type CallerLocate, type ConfigSchema, duration, textType } from '@sluice/service'
import type { SocksCommands } from '@sluice/service/socks'
import { z } from 'zod'
import { Bind, type BindPlaces } from './bind.ts'
import { udpAssociate } from './udp.ts'

/** What the SOCKS commands other than CONNECT can be told. */
export interface SocksConfig {
  bind: boolean
  bindAddress: string | undefined
  bindPorts: PortRange | undefined
  bindMs: number
  udp: boolean
  udpAddress: string | undefined
  udpPorts: PortRange | undefined
  udpIdleMs: number
}

const ip = textType('IP', 'an IP address', (written) => {
  if (isIP(written) === 0) throw new RangeError(written)
  return written
})

const ports = textType(
  'FIRST-LAST',
  'two ports from 1 to 65535, such as 20000-20999',
  (written): PortRange => {
    const [, first, last] = /^(\d{1,5})-(\d{1,5})$/.exec(written) ?? []
    const range = { first: Number(first), last: Number(last) }
    if (!(range.first >= 1 && range.first <= range.last && range.last <= 65_535))
      throw new RangeError(written)
    return range
  },
)

export const socksSchema: ConfigSchema<SocksConfig> = z.object({
  bind: z
    .boolean()
    .default(false)
    .meta({ description: 'let SOCKS clients wait for a connection (BIND)', group: 'socks', live: true }),
  bindAddress: ip.optional().meta({
    description: 'where BIND listens; by default on the address by which the client came',
    group: 'socks',
    live: true,
  }),
  bindPorts: ports
    .optional()
    .meta({ description: 'ports on which BIND listens; any by default', group: 'socks', live: true }),
  bindMs: duration.prefault('60').meta({
    description: 'how long BIND waits for its connection',
    flag: 'bind-timeout',
    group: 'socks',
    live: true,
  }),
  udp: z
    .boolean()
    .default(true)
    .meta({ description: 'let SOCKS5 clients send datagrams (UDP ASSOCIATE)', group: 'socks', live: true }),
  udpAddress: ip.optional().meta({
    description: 'where UDP clients are told to send to; by default the address by which they came',
    group: 'socks',
    live: true,
  }),
  udpPorts: ports
    .optional()
    .meta({ description: 'ports that UDP clients send to; any by default', group: 'socks', live: true }),
  udpIdleMs: duration.prefault('5m').meta({
    description: 'how long a UDP association may carry nothing',
    flag: 'udp-idle',
    group: 'socks',
    live: true,
  }),
})

/** The commands that are switched on. */
export const socksCommands = (
  config: SocksConfig & Pick<AccessConfig, 'source'>,
  locate: CallerLocate,
  places: BindPlaces,
): SocksCommands => {
  const bind = { locate, host: config.bindAddress, ports: config.bindPorts, timeoutMs: config.bindMs }
  const { udpAddress: address, udpPorts, udpIdleMs: idleMs, source } = config
  const udp = { locate, address, ports: udpPorts, idleMs, source }
  return {
    bind: config.bind ? new Bind(bind, places) : undefined,
    udp: config.udp ? udpAssociate(udp) : undefined,
  }
}
