import type { RelayOrder } from '../load.ts'
import type { RelayClient } from './circuit.ts'
import { pairClient } from './pair-client.ts'
import { sluiceClient } from './sluice-peer.ts'
import { strelayClient } from './strelay-client.ts'

/** The client of what is loaded. @throws where circuits are none of its business */
export async function openClient({ mode, proxy, user }: RelayOrder): Promise<RelayClient> {
  switch (mode) {
    case 'relay-tcp':
      return sluiceClient(proxy, 'tcp')
    case 'relay-tls':
      return sluiceClient(proxy, 'tls')
    case 'relay-ws':
      return sluiceClient(proxy, 'ws')
    case 'pair-tcp':
      return pairClient(proxy, 'tcp')
    case 'pair-ws':
      return pairClient(proxy, 'ws')
    case 'strelay':
      return strelayClient(proxy)
    case 'libp2p': {
      // Its packages are there only where they could be fetched.
      const { libp2pClient } = await import('./libp2p-client.ts')
      return libp2pClient(proxy, user ?? '')
    }
    default:
      throw new Error(`no relay speaks ${mode}`)
  }
}
