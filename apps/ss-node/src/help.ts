import type { Example } from '@sluice/service'

/** What `--help` says about the program, beside its flags and commands. */
export const description: readonly string[] = [
  'Users have a port each, or share ports: those with AEAD methods are told apart by their keys, those with 2022 methods by ' +
    'an identity header. A user has one set of limits over all that they do, TCP and UDP, and a change of it acts on what ' +
    'is open.',
  'Who has no right key is read from and told nothing until the deadline of the handshake.',
  'Rates and sizes: KB is 1,000 bytes, KiB 1,024; bare numbers are bytes, of rates in a second. Times are seconds, or ' +
    'have a unit: 500ms, 2m, 1h.',
]

export const examples: readonly Example[] = [
  { does: 'Serve the users of ./userconfigs.json:', line: 'ss-node' },
  { does: 'Let users without a port of their own share one:', line: 'ss-node --port 8388' },
  { does: 'Let one private network through:', line: 'ss-node --allow 10.1.0.0/16' },
]
