import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  accessSchema,
  baseSchema,
  ConfigError,
  type ConfigSchema,
  dnsSchema,
  loadConfig,
  Program,
  type ProgramConfig,
  sessionSchema,
  upstreamSchema,
} from '@sluice/service'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openSources, type Sources } from './sources.ts'
import { type SourcesConfig, sourcesSchema } from './sources-config.ts'
import { LogLines } from './testing/log-lines.ts'
import { TestPanel } from './testing/test-panel.ts'

const schema: ConfigSchema<ProgramConfig & SourcesConfig> = baseSchema()
  .extend(sessionSchema.shape)
  .extend(accessSchema.shape)
  .extend(dnsSchema.shape)
  .extend(upstreamSchema.shape)
  .extend(sourcesSchema.shape)

const configOf = (...argv: string[]): ProgramConfig & SourcesConfig =>
  loadConfig(schema, { argv, env: {} }).config

const rowOf = (id: number): object => ({ user_id: id, port: 2345, method: 'aes-256-gcm', password: 'hello' })

let folder: string
let panel: TestPanel
let lines: LogLines

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'sources-'))
  panel = await TestPanel.open()
  panel.answer = { users: [rowOf(1), rowOf(2)] }
  lines = new LogLines()
})
afterEach(async () => {
  await panel.close()
  rmSync(folder, { recursive: true })
})

/** A program with its sources, from start to stop. */
const running = async (
  argv: readonly string[],
  act: (program: Program, sources: Sources) => Promise<void> = async () => {},
): Promise<void> => {
  lines = new LogLines()
  const config = configOf('--data', join(folder, 'data'), ...argv)
  const program = await Program.start({ app: 'test', version: '0', config, log: lines.log, env: {} })
  try {
    await act(program, await openSources(program, config))
  } finally {
    await program.stop()
  }
}

const names = (program: Program): string[] =>
  [...program.directory.accounts()].map(({ user }) => user.name).toSorted()

const fileOf = (...ids: number[]): string[] => {
  const path = join(folder, 'users.json')
  writeFileSync(path, JSON.stringify({ users: ids.map(rowOf) }))
  return ['--users', path]
}

describe('the sources of users', () => {
  it('are a panel, to which all usage is told by the end', async () => {
    await running(['--api-endpoint', panel.endpoint], async (program, sources) => {
      await expect.poll(() => names(program)).toEqual(['panel-1', 'panel-2'])
      program.directory.byId('panel:1')!.count('up', 100)
      program.directory.touch(program.directory.byId('panel:1')!)
      expect(sources.samples()).toMatchObject([
        { source: 'panel', ok: 1 },
        { source: 'usage', ok: 0 },
      ])
      expect(await program.metrics.registry.metrics()).toContain(
        'sluice_source_syncs_total{source="panel",result="ok"} 1',
      )
    })
    expect(panel.booked).toEqual(new Map([[1, 100]]))
    expect(lines.of('stop.failed')).toEqual([])
    expect(lines.raw.join('')).not.toMatch(/secret|hello/)
  })

  it('are a panel that fails, and those users that it had', async () => {
    await running(['--api-endpoint', panel.endpoint])
    panel.will('GET', 'auth error')
    await running(['--api-endpoint', panel.endpoint], async (program) => {
      expect(names(program)).toEqual(['panel-1', 'panel-2'])
    })
    expect(lines.of('source.failed')).toMatchObject([{ source: 'panel', code: 'PANEL_REFUSED' }])
  })

  it('are a file', async () => {
    await running(fileOf(3), async (program) => {
      await expect.poll(() => names(program)).toEqual(['file-3'])
    })
  })

  it('are both where both are asked for', async () => {
    await running([...fileOf(3), '--api-endpoint', panel.endpoint], async (program) => {
      await expect.poll(() => names(program)).toEqual(['file-3', 'panel-1', 'panel-2'])
    })
  })

  it('are without those that are not asked for any more', async () => {
    await running(fileOf(3))
    await running(['--api-endpoint', panel.endpoint], async (program) => {
      await expect.poll(() => names(program)).toEqual(['panel-1', 'panel-2'])
    })
    await running(fileOf(4), async (program) => {
      await expect.poll(() => names(program)).toEqual(['file-4'])
    })
  })

  it('are none at first, and the log says what to do', async () => {
    await running([])
    expect(lines.of('users.none')).toEqual([
      { file: expect.stringMatching(/userconfigs\.json$/), hint: expect.stringContaining('SS_API_ENDPOINT') },
    ])
  })

  it('stay where the file has gone since, and the log says so', async () => {
    await running(fileOf(3))
    await running([], async (program) => expect(names(program)).toEqual(['file-3']))
    expect(lines.of('users.kept')).toEqual([
      {
        file: expect.stringMatching(/userconfigs\.json$/),
        hint: expect.stringContaining('still served'),
      },
    ])
  })

  it('want a store that can keep their users', async () => {
    const store = ['--store', `json:${join(folder, 'users')}`]
    await expect(running([...store, '--api-endpoint', panel.endpoint])).rejects.toThrow(ConfigError)
    await running([...store, ...fileOf(3)])
    expect(lines.of('source.failed')).toMatchObject([{ source: 'file', code: 'STORE_OWNERS' }])
  })
})

describe('the settings', () => {
  it('have the names of the original in the environment', () => {
    const env = { SS_API_ENDPOINT: 'https://panel.example/?token=t', SS_SYNC_TIME: '6' }
    expect(loadConfig(sourcesSchema, { argv: [], env }).config).toEqual({
      apiEndpoint: 'https://panel.example/?token=t',
      syncMs: 6000,
    })
  })

  it('are seconds unless they say otherwise', () => {
    expect(configOf().syncMs).toBe(60_000)
    expect(configOf('--sync-time', '6').syncMs).toBe(6000)
    expect(configOf('--sync-time', '5m').syncMs).toBe(300_000)
  })

  it.each([
    ['--sync-time', '0'],
    ['--sync-time', '2d'],
    ['--sync-time', 'often'],
    ['--api-endpoint', 'panel.example/?token=t0ken'],
    ['--api-endpoint', 'ftp://panel.example/?token=t0ken'],
  ])('are refused: %s %s', (flag, value) => {
    expect(() => configOf(flag, value)).toThrow(ConfigError)
    expect(() => configOf(flag, value)).not.toThrow(/t0ken/)
  })
})
