import { once } from 'node:events'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { run } from './process.ts'
import { LOGIN, Servers } from './servers.ts'
import { Sluice, temporaryFolder } from './sluice.ts'

const folder = temporaryFolder()
const log = join(folder, 'access.log')
const rules = join(folder, 'sluice.yaml')
/** Ours and squid; then those that ask squid and ours, in turn. */
const [squid, ourChild, squidChild] = [new Servers(), join(folder, 'child.log'), new Servers()]
const origin = createServer((request, response) => {
  response.writeHead(request.url === '/none' ? 404 : 200, { 'Content-Type': 'text/html; charset=utf-8' })
  response.end('hello')
})
let ours: Sluice
let child: Sluice
let web: string

beforeAll(async () => {
  await once(origin.listen(0, '127.0.0.1'), 'listening')
  web = `http://127.0.0.1:${(origin.address() as AddressInfo).port}`
  writeFileSync(rules, 'rules: [{ action: deny, ports: 9 }]')
  await squid.startSquid()
  const parent = `http://${LOGIN.name}:${LOGIN.password}@127.0.0.1:${squid.port('squid')}`
  ours = await Sluice.start(undefined, ...logTo(log), '--config', rules)
  child = await Sluice.start(undefined, ...logTo(ourChild), '--upstream', parent)
  for (const sluice of [ours, child]) await sluice.add(LOGIN.name, LOGIN.password)
  await squidChild.startSquid(Number(ours.http.split(':')[1]))
})
afterAll(async () => {
  for (const each of [squidChild, child, ours, squid]) await each[Symbol.asyncDispose]()
  origin.close()
  rmSync(folder, { recursive: true })
})

const logTo = (file: string): string[] => ['--access-log', file, '--access-log-format', 'squid']

/** What its readers take a line apart into, without the times. */
const fieldsOf = (line: string): Record<string, string | undefined> => {
  const [client, result, size, method, url, user, hierarchy, type] = line.trim().split(/ +/).slice(2)
  return { client, result, size, method, url, user, hierarchy, type }
}
/** The line of the only request for this URL. */
const lineOf = async (file: string, url: string): Promise<Record<string, string | undefined>> => {
  const lines = (): string[] =>
    readFileSync(file, 'utf8')
      .split('\n')
      .filter((line) => line.includes(` ${url} `))
  await expect.poll(() => lines().length).toBe(1)
  expect(lines()[0]).toMatch(/^\d{10}\.\d{3} +\d+ /)
  return fieldsOf(lines()[0]!)
}
const ask = (port: string | number, ...args: string[]): Promise<unknown> => {
  const login = ['--proxy-user', `${LOGIN.name}:${LOGIN.password}`]
  return run('curl', [
    '-sS',
    '-o',
    '/dev/null',
    '--max-time',
    '10',
    '-x',
    `http://127.0.0.1:${port}`,
    ...login,
    ...args,
  ])
}

const REQUESTS: readonly (readonly [
  what: string,
  args: (id: string) => string[],
  url: (id: string) => string,
])[] = [
  ['GET', (id) => [`${web}/${id}?secret`], (id) => `${web}/${id}?`],
  ['POST', (id) => ['-d', 'body', `${web}/post-${id}`], (id) => `${web}/post-${id}`],
  ['HEAD', (id) => ['-I', `${web}/head-${id}`], (id) => `${web}/head-${id}`],
  ['a target that has nothing', () => [`${web}/none`], () => `${web}/none`],
  ['CONNECT', () => ['-p', `${web}/`], () => web.slice('http://'.length)],
]

test.each(REQUESTS)('%s: what a line of ours says is what one of squid says', async (_, args, url) => {
  await ask(ours.http.split(':')[1]!, ...args('direct'))
  await ask(squid.port('squid'), ...args('direct'))
  const [one, other] = [await lineOf(log, url('direct')), await lineOf(squid.squidLog, url('direct'))]
  // Its heads have more fields.
  expect(Number(one['size'])).toBeGreaterThan(100)
  expect({ ...one, size: '' }).toEqual({ ...other, size: '' })
  expect(one['hierarchy']).toBe('HIER_DIRECT/127.0.0.1')
})

test.each([
  ['plain', [], 'http://127.0.0.1:9/'],
  ['a tunnel', ['-p'], '127.0.0.1:9'],
])('denied, %s: the same but for the page that squid sends', async (_, args, url) => {
  for (const port of [ours.http.split(':')[1]!, squid.port('squid')])
    await ask(port, ...args, 'http://127.0.0.1:9/')
  const [one, other] = [await lineOf(log, url), await lineOf(squid.squidLog, url)]
  expect(one).toEqual({ ...other, size: '0', type: '-' })
  expect(one['result']).toBe('TCP_DENIED/403')
})

test('through another proxy: each is a parent in the words of the other', async () => {
  await ask(child.http.split(':')[1]!, `${web}/by-squid`)
  await ask(squidChild.port('squid'), `${web}/by-ours`)
  const one = await lineOf(ourChild, `${web}/by-squid`)
  const other = await lineOf(squidChild.squidLog, `${web}/by-ours`)
  expect({ ...one, size: '', url: '' }).toEqual({ ...other, size: '', url: '' })
  expect(one['hierarchy']).toBe('FIRSTUP_PARENT/127.0.0.1')
  expect((await lineOf(log, `${web}/by-ours`))['hierarchy']).toBe('HIER_DIRECT/127.0.0.1')
})
