import { z } from 'zod'
import { describe, expect, it } from 'vitest'
import { manualText } from '../help-text.ts'
import { configDrift, configTable, printConfig } from '../config-text.ts'
import { type Loaded, loadConfig } from '../config.ts'
import { text } from '../config-types.ts'
import { type AccessConfig, accessSchema } from './access-config.ts'

const schema = accessSchema.extend({ config: text.optional() })

const load = (contents: string, argv: readonly string[] = []): Loaded<AccessConfig> =>
  loadConfig(schema, { argv: ['--config', 'sluice.yaml', ...argv], env: {}, readFile: () => contents })

const FILE = `
rules:
  - name: mail
    action: deny
    ports: [25, 465, 587-588]
  - { action: allow, groups: staff, times: { from: "09:00", to: "17:30" } }
`

describe('rules', () => {
  it('stand in the file', () => {
    expect(load(FILE).config.rules).toEqual([
      {
        name: 'mail',
        action: 'deny',
        ports: [
          [25, 25],
          [465, 465],
          [587, 588],
        ],
      },
      {
        action: 'allow',
        groups: ['staff'],
        times: [{ days: [0, 1, 2, 3, 4, 5, 6], from: 540, to: 1050, zone: 'UTC' }],
      },
    ])
    expect(load('').config.rules).toEqual([])
  })

  it('and there only', () => {
    expect(() => load('', ['--rules', '[]'])).toThrow('--rules: unknown flag')
    expect(manualText({ head: 'a', synopsis: [], flags: schema })).not.toContain('rules')
  })

  it('that are wrong are told with their path, with all else that is wrong', () => {
    expect(() =>
      load('source: eth0\nrules:\n  - { action: deny }\n  - { action: drop, port: 25 }\n'),
    ).toThrow(
      expect.objectContaining({
        code: 'CONFIG_INVALID',
        message:
          'sluice.yaml: source: "eth0" is not an IP address of this machine, without zone and no wildcard; ' +
          'sluice.yaml: rules[1].action: "drop" is not one of allow, deny; ' +
          'sluice.yaml: rules[1].port: unknown key, did you mean ports?',
      }),
    )
    expect(() => load('rules: deny')).toThrow('sluice.yaml: rules: wanted a list of rules')
  })

  it('are printed as they were written, and read again', () => {
    const loaded = load(FILE)
    expect(load(printConfig(schema, loaded)).config.rules).toEqual(loaded.config.rules)
  })

  it('have their row in the documentation', () => {
    const table = configTable(schema)
    expect(table).toContain('| `rules: LIST` | none | none | who may go where')
    expect(configDrift(schema, table)).toEqual([])
    expect(configDrift(z.object({}), table)).toHaveLength(3)
  })
})

it('source is an address', () => {
  expect(load('', ['--source', '192.0.2.7']).config.source).toBe('192.0.2.7')
})
