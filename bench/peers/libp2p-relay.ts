// The circuit relay of js-libp2p: `libp2p-relay.ts FOLDER PORT`, where FOLDER has its packages.
import { loadLibp2p } from '../load/libp2p-modules.ts'

const [folder = '', port] = process.argv.slice(2)
const { createLibp2p, tcp, noise, yamux, identify, circuitRelayServer } = await loadLibp2p(folder)
await createLibp2p({
  addresses: { listen: [`/ip4/127.0.0.1/tcp/${port}`] },
  transports: [tcp()],
  connectionEncrypters: [noise()],
  streamMuxers: [yamux()],
  services: {
    identify: identify(),
    relay: circuitRelayServer({ reservations: { applyDefaultLimit: false } }),
  },
})
