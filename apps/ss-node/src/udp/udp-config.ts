import { type ConfigSchema, duration, wholeNumber } from '@sluice/service'
import { z } from 'zod'

/** What is to be said of datagrams. */
export interface UdpConfig {
  udp: boolean
  udpIdleMs: number
  associations: number
}

export const udpSchema: ConfigSchema<UdpConfig> = z.object({
  udp: z.boolean().default(true).meta({
    description: 'take datagrams too, on the ports of the users',
    group: 'listeners',
  }),
  udpIdleMs: duration.prefault('5m').meta({
    description: 'how long a UDP association may carry nothing; one that has only asked port 53, 17 s',
    flag: 'udp-idle',
    group: 'timeouts',
    live: true,
  }),
  associations: wholeNumber(1).prefault(1024).meta({
    description: 'UDP associations of a user',
    group: 'limits',
    live: true,
  }),
})
