import type { Example } from '@sluice/service'

/** What `--help` says about the program, beside its flags and commands. */
export const description: readonly string[] = [
  'Peers that nobody can reach keep a connection to the relay; others ask it for a circuit to one of them, and the relay ' +
    'copies what passes between the two. A peer is known by its Ed25519 key, which it proves to have.',
  'On loopback without any user everybody may come in. Elsewhere a peer has to be a user, by --node-id or a token, whose ' +
    'limits hold over all circuits, or the relay is --open.',
  'Rates and sizes: KB is 1,000 bytes, KiB 1,024; bare numbers are bytes, of rates in a second. Times are seconds, or ' +
    'have a unit: 500ms, 2m, 1h. A limit of 0 is none.',
]

export const examples: readonly Example[] = [
  { does: 'Serve peers on this machine:', line: 'relay' },
  {
    does: 'Serve known peers from everywhere, over TLS and WebSocket on one port:',
    line: 'relay user add alice --node-id ID && relay --listen tls://0.0.0.0:443 --preset private',
  },
  {
    does: 'Serve strangers, a little each:',
    line: 'relay --listen tls://0.0.0.0:443 --open --preset public',
  },
]
