import type { Example } from '@sluice/service'

/** What `--help` says about the program, beside its flags and commands. */
export const description: readonly string[] = [
  'Each listener takes every protocol, told apart by the first byte. Everybody signs in, on loopback too; a user has ' +
    'one set of limits over all connections together, and a change of it acts on those that are open.',
  'Rates and sizes: KB is 1,000 bytes, KiB 1,024; bare numbers are bytes, of rates in a second. Times are seconds, or ' +
    'have a unit: 500ms, 2m, 1h.',
]

export const examples: readonly Example[] = [
  { does: 'Add a user, and run:', line: 'remote-proxy user add alice --down 1MB/s && remote-proxy' },
  {
    does: 'Listen for others, on one port, with 500 KB/s for users without a rate of their own:',
    line: 'remote-proxy --socks 0.0.0.0:1080 --limit 500KB/s',
  },
  { does: 'Let one private network through:', line: 'remote-proxy --allow 10.1.0.0/16' },
  {
    does: 'Write the settings into a file, to run from it with --config:',
    line: 'remote-proxy --limit 1MB/s --print-config > proxy.yaml',
  },
]
