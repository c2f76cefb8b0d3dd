import { WireError } from '@sluice/wire'
import {
  formatCircuitAddress,
  formatNodeId,
  formatRelayUrl,
  parseCircuitAddress,
  parseNodeId,
  parseRelayUrl,
} from '@sluice/wire/relay'
import type { FuzzedParser } from './parsers.ts'

const ID = '7ffZx9dmRweYnDbecGybaF66gitu9cbWBsJBzNEWF47v'
const refusals = [WireError]

/** Identities and addresses of the relay protocol. */
export const relayParsers: readonly FuzzedParser[] = [
  {
    name: 'node id',
    parse: parseNodeId,
    refusals,
    format: formatNodeId,
    sample: [ID, '11111111111111111111111111111112'],
  },
  {
    name: 'relay url',
    parse: parseRelayUrl,
    refusals,
    format: formatRelayUrl,
    sample: [`tls://relay.example:4001/p2p/${ID}`, 'ws://[2001:db8::1]:80/', 'tcp://192.0.2.1:4001'],
  },
  {
    name: 'circuit address',
    parse: parseCircuitAddress,
    refusals,
    format: formatCircuitAddress,
    sample: [
      `/ip4/192.0.2.1/tcp/4001/p2p/${ID}/p2p-circuit/p2p/${ID}`,
      `/ip6/2001:db8::1/tcp/443/tls/ws/p2p/${ID}/p2p-circuit/p2p/${ID}`,
      `/dns4/relay.example/tcp/443/wss/p2p/${ID}/p2p-circuit/p2p/${ID}`,
    ],
  },
]
