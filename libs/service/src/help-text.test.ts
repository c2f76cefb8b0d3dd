import { describe, expect, it } from 'vitest'
import { rate, text, wholeNumber } from './config-types.ts'
import { baseSchema, flag } from './config.ts'
import { manualText } from './help-text.ts'

const flags = baseSchema({ ops: '127.0.0.1:9102' }).extend({
  slots: wholeNumber(1)
    .prefault(8)
    .meta({ description: 'how many at once', env: 'OLD_SLOTS', group: 'limits' }),
  limit: rate.optional().meta({ description: 'limit of everything together', group: 'limits' }),
  depth: wholeNumber(1).optional().meta({ description: 'how deep', group: 'pools' }),
  token: text.prefault('hunter2').meta({ description: 'what peers show', secret: true }),
  hidden: text.optional().meta({ description: 'only in a file', from: ['file'] }),
  once: flag('stop after the first'),
})

describe('manualText', () => {
  const page = manualText({
    head: 'proxy 1.0: a proxy',
    synopsis: ['proxy [flags]', 'proxy user COMMAND'],
    description: ['One.', `Two ${'and more '.repeat(20)}.`],
    commands: [['user', 'Users.']],
    flags,
    examples: [
      { does: 'Run it:', line: 'proxy' },
      { does: 'Run it elsewhere:', line: 'proxy --data /srv' },
    ],
    sections: { 'exit status': [['0', 'done']] },
  })

  it('has its parts in the order of a manual page', () => {
    expect(page.match(/^[A-Z ]+$/gm)).toEqual([
      'SYNOPSIS',
      'DESCRIPTION',
      'COMMANDS',
      'FLAGS',
      'LIMITS',
      'ACCESS',
      'POOLS',
      'STORAGE',
      'OPERATION',
      'INFORMATION',
      'EXAMPLES',
      'EXIT STATUS',
    ])
    expect(page).toMatch(/^proxy 1\.0: a proxy\n\nSYNOPSIS\n {2}proxy \[flags\]\n {2}proxy user COMMAND\n\n/)
    expect(page).toContain(
      '\nEXAMPLES\n  Run it:\n    proxy\n\n  Run it elsewhere:\n    proxy --data /srv\n\n',
    )
    expect(page.endsWith('\nEXIT STATUS\n  0  done\n')).toBe(true)
  })

  it('tells each flag with its default and its variables, but no secret', () => {
    expect(page).toMatch(/^ {2}--slots N +how many at once \[8, SLUICE_SLOTS, OLD_SLOTS\]$/m)
    expect(page).toMatch(/^ {2}--limit RATE +limit of everything together \[SLUICE_LIMIT\]$/m)
    expect(page).toMatch(/^ {2}--once +stop after the first$/m)
    expect(page).toMatch(/^ {2}--token TEXT +what peers show \[SLUICE_TOKEN\]$/m)
    expect(page).not.toContain('hunter2')
    expect(page).not.toContain('hidden')
    const { shape } = flags
    for (const option of Object.keys(shape).filter((key) => key !== 'hidden')) {
      const name = { graceMs: 'grace', logLevel: 'log-level', printConfig: 'print-config' }[option] ?? option
      expect(page.match(new RegExp(`^ {2}--${name}(?= |$)`, 'gm')), name).toHaveLength(1)
    }
  })

  it('fits in 80 columns, without colours or trailing blanks', () => {
    for (const line of page.split('\n')) {
      expect(line.length, line).toBeLessThanOrEqual(80)
      expect(line).toMatch(/^(?:.*[^ ])?$/)
    }
    expect(page).not.toContain('\u001b')
  })
})
