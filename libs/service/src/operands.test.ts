import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { appHelp } from './app-help.ts'
import { loadConfig } from './config.ts'
import type { Operands } from './config-sources.ts'
import { wholeNumber } from './config-types.ts'
import { testApp } from './testing/test-app.ts'

const schema = z.object({
  slots: wholeNumber(1, 100).prefault(8),
  queue: wholeNumber(1, 100).prefault(9),
})

const operands: Operands = {
  usage: '[SLOTS] [QUEUE]',
  read: (words) => {
    if (!/^\d/.test(words[0]!)) return undefined
    const keys = ['slots', 'queue']
    return new Map(words.map((value, index) => [keys[index]!, { value, where: `[${keys[index]}]` }]))
  },
}

const load = (...argv: string[]) =>
  loadConfig(schema, { argv, env: { SLUICE_SLOTS: '2', SLUICE_QUEUE: '3' }, operands })

describe('operands', () => {
  it('win over the environment, as flags do, which may stand before them', () => {
    expect(load('5').config).toEqual({ slots: 5, queue: 3 })
    const { config, positionals, given } = load('--queue=7', '5')
    expect([config, positionals]).toEqual([{ slots: 5, queue: 7 }, []])
    expect(given.get('slots')).toEqual({ value: '5', where: '[slots]' })
  })

  it('are not given as flags too', () => {
    expect(() => load('5', '6', '--queue', '6')).toThrow('[queue] and --queue are the same setting: give one')
  })

  it('are refused by what the setting can be', () => {
    expect(() => load('500')).toThrow('[slots]: "500" is not a whole number from 1 to 100')
  })

  it('leave words that are none of them to commands', () => {
    expect(load('sing', '5')).toMatchObject({ positionals: ['sing', '5'], config: { slots: 2 } })
  })

  it('stand in the synopsis', () => {
    expect(appHelp({ ...testApp, operands }, {})).toContain(
      'SYNOPSIS\n  test-app [serve] [SLOTS] [QUEUE] [flags]\n',
    )
  })
})
