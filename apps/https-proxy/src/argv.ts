import { ConfigError, type Given, type Operands } from '@sluice/service'

const NAMES = [
  'port',
  'address',
  'connections',
  'queue',
  'slots',
  'queue timeout',
  'request timeout',
] as const
/** Of those behind port and address, which make one. */
const KEYS = ['maxConnections', 'queue', 'slots', 'queueMs', 'requestMs'] as const
/** Where the port is given alone. */
const EVERYWHERE = '0.0.0.0'

const listener = (port: string, address: string | undefined): Given => {
  if (!/^\d{1,5}$/.test(port) || Number(port) > 65_535) {
    throw new ConfigError('CONFIG_INVALID', `[port]: ${JSON.stringify(port.slice(0, 80))} is not a port`)
  }
  if (address === undefined) return { value: `${EVERYWHERE}:${port}`, where: '[port]' }
  const host = /^[^[].*:/.test(address) ? `[${address}]` : address
  return { value: `${host}:${port}`, where: '[port] [address]' }
}

/** What can be said without flags, by its place. */
export const operands: Operands = {
  usage: NAMES.map((name) => `[${name}]`).join(' '),
  read: (words) => {
    const [port = '', address, ...rest] = words
    if (/^[a-z]/i.test(port)) return undefined
    const extra = words[NAMES.length]
    if (extra !== undefined) {
      const shown = JSON.stringify(extra.slice(0, 80))
      throw new ConfigError('USAGE', `unexpected argument ${shown}, wanted at most ${operands.usage}`)
    }
    const given = rest.map((value, index): [string, Given] => [
      KEYS[index]!,
      { value, where: `[${NAMES[index + 2]}]` },
    ])
    return new Map([['listen', listener(port, address)], ...given])
  },
}
