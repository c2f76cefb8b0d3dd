import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ConfigError } from '@sluice/service'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { type OriginFiles, readOriginFiles } from './origin-files.ts'

let folder: string
beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), 'https-proxy-origins-'))))
afterEach(() => rmSync(folder, { recursive: true }))

const put = (name: string, contents: string): string => {
  writeFileSync(join(folder, name), contents)
  return join(folder, name)
}

const read = (originCa?: string, originCerts?: string): OriginFiles =>
  readOriginFiles({ originCa, originCerts, insecureOrigin: ['a.example'] })

it('has nothing where nothing is named', () => {
  expect(read()).toEqual({ ca: undefined, certs: new Map(), insecureHosts: new Set(['a.example']) })
})

it('has what the files hold, by origin, looked for beside the list', () => {
  for (const name of ['ca', 'cert', 'key']) put(name, `${name} PEM`)
  const list = put('certs.yaml', `https://A.example/:\n  cert: cert\n  key: ${join(folder, 'key')}\n`)
  expect(read(join(folder, 'ca'), list)).toMatchObject({
    ca: 'ca PEM',
    certs: new Map([['https://a.example', { cert: 'cert PEM', key: 'key PEM' }]]),
  })
})

it.each([
  ['no YAML', 'a: [', 'wanted origins, each with cert and key'],
  ['another form', '- a', 'wanted origins, each with cert and key'],
  ['a key too many', 'https://a:\n  cert: a\n  key: b\n  pass: hunter2\n', 'wanted origins, each'],
  ['no origin', 'http://a:\n  cert: a\n  key: b\n', '"http://a" is no https origin'],
  ['a file that is not there', 'https://a:\n  cert: a\n  key: b\n', '/a: ENOENT'],
])('refuses a list with %s, and says nothing of what is in it', (_what, contents, message) => {
  const list = put('certs.yaml', contents)
  const problem = (): unknown => read(undefined, list)
  expect(problem).toThrow(ConfigError)
  expect(problem).toThrow(message)
  expect(problem).not.toThrow('hunter2')
})

it('refuses authorities that are not there', () => {
  expect(() => read(join(folder, 'ca.pem'))).toThrow(`--origin-ca: ${join(folder, 'ca.pem')}: ENOENT`)
})
