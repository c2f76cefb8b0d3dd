import type { RelayMode, RelayOrder } from '../load.ts'
import type { RelayClient } from './circuit.ts'
import { pairClient } from './pair-client.ts'
import { sluiceClient } from './sluice-peer.ts'
import { strelayClient } from './strelay-client.ts'

type Open = (order: RelayOrder) => RelayClient | Promise<RelayClient>

const CLIENTS: Readonly<Record<RelayMode, Open>> = {
  'relay-tcp': ({ proxy }) => sluiceClient(proxy, 'tcp'),
  'relay-tls': ({ proxy }) => sluiceClient(proxy, 'tls'),
  'relay-ws': ({ proxy }) => sluiceClient(proxy, 'ws'),
  'pair-tcp': ({ proxy }) => pairClient(proxy, 'tcp'),
  'pair-ws': ({ proxy }) => pairClient(proxy, 'ws'),
  strelay: ({ proxy }) => strelayClient(proxy),
  // Its packages are there only where they could be fetched.
  libp2p: async ({ proxy, user = '' }) => (await import('./libp2p-client.ts')).libp2pClient(proxy, user),
}

/** The client of what is loaded. @throws where that is no relay of circuits */
export async function openClient(order: RelayOrder): Promise<RelayClient> {
  const open: Open | undefined = new Map<string, Open>(Object.entries(CLIENTS)).get(order.mode)
  if (open === undefined) throw new Error(`no relay speaks ${order.mode}`)
  return open(order)
}
