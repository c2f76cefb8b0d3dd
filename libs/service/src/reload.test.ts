import { expect, test } from 'vitest'
import { ConfigError } from './config-error.ts'
import { difference, Reloader, takeOver } from './reload.ts'
import { Journal } from './testing/journal.ts'
import { configOf, type TestConfig, testApp, testSchema } from './testing/test-app.ts'

test('settings that cannot change while a program runs keep their values, and are named', () => {
  const before = configOf({ data: '/a', nodeDown: '1MB/s' })
  const after = configOf({ data: '/b', nodeDown: '2MB/s', allow: ['10.0.0.0/8'], graceMs: '30' })
  const { config, changed, fixed } = difference(testSchema, before, after)
  expect([changed, fixed]).toEqual([['allow', 'node-down'], ['data']])
  expect(config).toEqual({ ...after, data: '/a' })
})

test('all parts look before one takes over, and none does where one cannot', async () => {
  const told: string[] = []
  const part = (name: string) => () => {
    told.push(`${name}?`)
    return () => void told.push(`${name}!`)
  }
  await takeOver([part('a'), async () => part('b')()], configOf({}))
  expect(told.splice(0)).toEqual(['a?', 'b?', 'a!', 'b!'])
  const bad = (): never => {
    throw new Error('no such certificate')
  }
  await expect(takeOver([part('a'), bad, part('c')], configOf({}))).rejects.toThrow('no such certificate')
  expect(told).toEqual(['a?'])
})

const open = (loads: readonly (TestConfig | Error)[]) => {
  const journal = new Journal()
  const taken: TestConfig[] = []
  const results: string[] = []
  const next = loads.values()
  const reloader = new Reloader<TestConfig>({
    app: testApp,
    config: configOf({}),
    load: () => {
      const { value } = next.next()
      if (value === undefined || value instanceof Error) throw value ?? new Error('no more')
      return value
    },
    program: {
      log: journal.log,
      reload: async (config) => void taken.push(config as TestConfig),
      metrics: { reload: (result) => void results.push(result) },
    },
  })
  const lines = () => journal.raw.map((line) => JSON.parse(line) as Record<string, unknown>)
  return { reloader, taken, results, lines }
}

test('tells what has changed, and what waits for a restart for as long as it does', async () => {
  const { reloader, taken, results, lines } = open([
    configOf({ nodeDown: 5, data: '/b' }),
    configOf({ nodeDown: 5, data: '/b' }),
    configOf({ nodeDown: 5 }),
  ])
  for (let times = 0; times < 3; times += 1) await reloader.reload()
  expect(lines()).toMatchObject([
    { level: 'info', msg: 'reloaded', changed: ['node-down'] },
    { level: 'warn', msg: 'reload.needs-restart', settings: ['data'] },
    { msg: 'reloaded', changed: [] },
    { msg: 'reload.needs-restart', settings: ['data'] },
    { msg: 'reloaded', changed: [] },
  ])
  expect(taken.map(({ data, nodeDown }) => [data, nodeDown])).toEqual(
    Array.from({ length: 3 }, () => ['./data', 5]),
  )
  expect(results).toEqual(['ok', 'ok', 'ok'])
})

test('a mistake changes nothing, is told as it is, and the next reload begins where the last good one ended', async () => {
  const mistake = new ConfigError('CONFIG_INVALID', 'sluice.yaml: node-down: 0 is not a rate')
  const { reloader, taken, results, lines } = open([
    configOf({ nodeUp: 7 }),
    mistake,
    configOf({ nodeUp: 7, nodeDown: 5 }),
  ])
  await Promise.all([reloader.reload(), reloader.reload(), reloader.reload()])
  expect(lines()).toMatchObject([
    { changed: ['node-up'] },
    { level: 'error', msg: 'reload.failed', err: { name: 'ConfigError', message: mistake.message } },
    { changed: ['node-down'] },
  ])
  expect(taken).toHaveLength(2)
  expect(results).toEqual(['ok', 'failed', 'ok'])
})
