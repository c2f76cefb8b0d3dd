import { type Lab, measure } from '../lab.ts'
import { relay, type RelayLoad } from '../load.ts'
import { libp2p } from '../peers/libp2p.ts'
import { rawLoop, wsRelay } from '../peers/pair.ts'
import type { Peer } from '../peers/peer.ts'
import { sluiceRelay } from '../peers/relay.ts'
import { strelaysrv } from '../peers/strelaysrv.ts'
import { COMPARISON_HEADER, compare, compareFigures } from './comparison.ts'
import type { Section } from './section.ts'

const GIB = 2 ** 30

async function cpuPerGib(lab: Lab, peer: Peer): Promise<number> {
  const load: RelayLoad = { op: 'bulk', conns: 1, secs: lab.secs ?? 5, warm: 5 }
  const { cpuSeconds, bytes, busy } = await measure(lab, peer, relay(load))
  // Where the load is what holds things up, the relay makes smaller reads than it would.
  if (busy > 0.95) lab.log(`  the load took ${(busy * 100).toFixed(0)} % of its core`)
  return cpuSeconds / (bytes / GIB)
}

export const relayBulk: Section = {
  project: 'relay',
  title: 'Relay, bulk transfer through one circuit: CPU-seconds per GiB',
  about: `User and system time of all threads of the relay, for each GiB that reached the destination. Ours with
\`--preset private\`, which counts and logs; strelaysrv is Debian's relay of syncthing, outside of any pool and without
limits. Both pass on as it is what the peers have encrypted. js-libp2p is its circuit relay by TCP, noise and yamux, limits
off, on the same Node as ours; its peers encrypt what they say to the relay as well, which decrypts and encrypts all that
passes. raw-loop is
[our loop between two accepted sockets](../bench/peers/pair-relay.ts) that knows of no protocol, and ws-relay
[the \`ws\` package, message by message](../bench/peers/ws-relay.ts). WebSocket messages have just under 64 KiB, masked by
the source. The aim against strelaysrv is 1.0x.`,
  header: COMPARISON_HEADER,
  cases: [
    compare({
      key: 'relay/bulk/tcp',
      label: 'TCP',
      peers: [sluiceRelay('tcp'), strelaysrv, libp2p, rawLoop],
      targets: { ratioTo: { [strelaysrv.name]: 1.25, [libp2p.name]: 0.15, [rawLoop.name]: 1.1 } },
      sample: cpuPerGib,
    }),
    compare({
      key: 'relay/bulk/ws',
      label: 'WebSocket',
      peers: [sluiceRelay('ws'), wsRelay],
      targets: { ratioTo: { [wsRelay.name]: 1.1 } },
      sample: cpuPerGib,
    }),
  ],
}

async function setupTimes(lab: Lab, peer: Peer): Promise<{ p50: number; p99: number }> {
  const load = relay({ op: 'setup', conns: 1, secs: lab.secs ?? 5, warm: 2 })
  const { p50us, p99us } = (await measure(lab, peer, load)).exchanges
  return { p50: p50us / 1000, p99: p99us / 1000 }
}

export const relaySetup: Section = {
  project: 'relay',
  title: 'Relay, from CONNECT to the first byte: milliseconds',
  about: `One circuit after the other, by TCP, nothing else on the relay. The source has logged in before; the time runs from its
CONNECT until it gets a byte that the destination sends as soon as both were told that the circuit stands. In it are
INCOMING, a new connection of the destination, the proofs that it and the relay make to each other over it (two Ed25519
signatures; the destination does not check the relay's, to spare the load's core), ACCEPT, and the byte's way. The
peers' own encryption, two messages more, is not. strelaysrv proves its peers by TLS before either asks, and both then
open a plain connection with a key that they were told.`,
  header: COMPARISON_HEADER,
  cases: [
    compareFigures({
      key: 'relay/setup',
      figures: { p50: {}, p99: { atMost: 5 } },
      peers: [sluiceRelay('tcp'), strelaysrv],
      sample: setupTimes,
    }),
  ],
}

const RESERVATIONS = 9000

export const relayIdle: Section = {
  project: 'relay',
  title: `Relay, idle reservations: KiB of resident memory each, over ${RESERVATIONS.toLocaleString('en')}`,
  about: `Growth of the relay's resident memory (PSS) from before the first to 3 s after the last reservation, by TCP, each of a
peer of its own that has logged in, after 100 that came and went. The kernel's socket buffers are in nobody's figure.`,
  header: COMPARISON_HEADER,
  cases: [
    compare({
      key: 'relay/idle',
      label: 'idle reservation',
      peers: [sluiceRelay('tcp')],
      targets: { atMost: 12 },
      sample: async (lab, peer) => {
        const warm = relay({ op: 'idle', conns: 100, hold: 0.5 })
        const load = relay({ op: 'idle', conns: RESERVATIONS, hold: 3 })
        const { growthBytes } = await measure(lab, peer, load, { warm })
        return growthBytes / 1024 / RESERVATIONS
      },
    }),
  ],
}
