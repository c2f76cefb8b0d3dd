import { expect, it } from 'vitest'
import { LogWatch } from './log-watch.ts'

const SECRET = '0123456789abcdef'
const read = (text: string): LogWatch => {
  const watch = new LogWatch([SECRET])
  watch.read(text)
  return watch
}

it('counts outcomes and messages of lines that are as they should be', () => {
  const watch = new LogWatch([SECRET])
  for (const code of ['OK', 'AUTH_FAILED', 'OK']) {
    watch.read(JSON.stringify({ level: 'info', code, user: '0123', msg: 'session.end' }))
  }
  expect(watch.read('{"msg":"listening","door":"http","port":1}')).toMatchObject({ door: 'http', port: 1 })
  expect(watch.faults).toEqual([])
  expect([...watch.codes]).toEqual([
    ['OK', 2],
    ['AUTH_FAILED', 1],
  ])
  expect([...watch.messages]).toEqual([
    ['session.end', 3],
    ['listening', 1],
  ])
})

const base64 = (text: string): string => Buffer.from(text).toString('base64')

it.each([
  ['an error', '{"level":"error","msg":"crashed"}'],
  ['a fatal error', '{"level":"fatal","msg":"x"}'],
  ['a fault of ours at any level', '{"level":"info","code":"INTERNAL"}'],
  ['what is no JSON', 'Error: at line 1'],
  ['what is no object', '"text"'],
  ['a log with holes', '{"level":"warn","lines":3,"msg":"log.dropped"}'],
  ['a secret', `{"user":"x:${SECRET}"}`],
  ['most of a secret', `{"user":"${SECRET.slice(3, 14)}"}`],
  ['a secret in base64', `{"field":"Basic ${base64(`u:${SECRET}`)}"}`],
  ['a secret in base64, one further', `{"field":"${base64(`us:${SECRET}`)}"}`],
  ['a secret in base64, two further', `{"field":"${base64(`use:${SECRET}`)}"}`],
])('keeps %s', (_what, text) => {
  expect(read(text).faults.map(({ what }) => what)).toEqual([expect.stringContaining(text)])
})

it('tells whose session it was, and keeps only some of many', () => {
  const watch = new LogWatch([])
  for (let i = 0; i < 100; i += 1) watch.read('{"level":"error","client":"127.0.0.1:5"}')
  expect(watch.faults.length).toBeLessThan(20)
  expect(watch.faults[0]?.line.client).toBe('127.0.0.1:5')
})
