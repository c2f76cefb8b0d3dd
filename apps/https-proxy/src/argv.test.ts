import { loadConfig } from '@sluice/service'
import { describe, expect, it } from 'vitest'
import { operands } from './argv.ts'
import { schema } from './config.ts'

const load = (...argv: string[]) => loadConfig(schema, { argv, env: {}, operands })

describe('words without flags', () => {
  it('are settings by their place', () => {
    expect(load('9999', '127.0.0.1', '100000', '500000', '500', '12.5', '30.0').config).toMatchObject({
      listen: { host: '127.0.0.1', port: 9999 },
      ...{ maxConnections: 100_000, queue: 500_000, slots: 500, queueMs: 12_500, requestMs: 30_000 },
    })
  })

  it('are each what the flag is by default, where they are left out', () => {
    expect(load().config).toMatchObject({
      listen: { host: '0.0.0.0', port: 8888 },
      ...{ maxConnections: 10_000, queue: 50_000, slots: 100, queueMs: 30_000, requestMs: 30_000 },
    })
    expect(load('9999').config.listen).toEqual({ host: '0.0.0.0', port: 9999 })
    expect(load('0', '::1', '--slots', '7').config).toMatchObject({
      listen: { host: '::1', port: 0 },
      slots: 7,
    })
  })

  it.each([
    [['99999'], '[port]: "99999" is not a port'],
    [['8888.5'], '[port]: "8888.5" is not a port'],
    [['8888', 'a b'], '[port] [address]: "a b:8888" is not HOST:PORT'],
    [['8888', '::', '0'], '[connections]: "0" is not a whole number from 1 to'],
    [['8888', '::', '1', '1', '1', 'soon'], '[queue timeout]: "soon" is not a time'],
    [
      ['8888', '::', '1', '1', '1', '1', '1', 'x'],
      'unexpected argument "x", wanted at most [port] [address] ',
    ],
    [['8888', '--listen', ':::1'], '[port] and --listen are the same setting: give one'],
    [['8888', '::', '1', '2', '3', '--slots', '3'], '[slots] and --slots are the same setting'],
  ])('%j are refused', (argv, message) => {
    expect(() => load(...argv)).toThrow(message)
  })

  it('are left to commands where they begin with a word', () => {
    expect(load('serv', '8888').positionals).toEqual(['serv', '8888'])
  })
})
