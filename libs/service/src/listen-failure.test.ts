import { expect, it } from 'vitest'
import { z } from 'zod'
import { withSettings } from './listen-failure.ts'

const any = z.any()
const schema = z.object({
  http: any,
  webAddress: any.meta({ flag: 'web' }),
  listen: any,
  grpcPort: any,
  maxConns: any,
})

const failure = (address: string, port?: number, more: object = {}): Error => {
  const error = new Error(`listen EADDRINUSE: address already in use ${address}:${port}`)
  return Object.assign(error, { code: 'EADDRINUSE', syscall: 'listen', address, port, ...more })
}
const told = (error: Error, config: object, given?: [key: string, where: string][]): string => {
  const where = given && new Map(given.map(([key, each]) => [key, { value: '', where: each }]))
  return String(Object(withSettings(error, schema, { config, ...(where && { given: where }) })).message)
}

it('says the setting in front, and keeps code and cause', () => {
  const error = failure('127.0.0.1', 80)
  const found = withSettings(error, schema, { config: { http: { host: '127.0.0.1', port: 80 } } })
  expect(found).toMatchObject({
    message: '--http: listen EADDRINUSE: address already in use 127.0.0.1:80',
    code: 'EADDRINUSE',
    cause: error,
  })
})

it.each<[string, object, Error]>([
  ['--web', { webAddress: { host: '::1', port: 80 } }, failure('::1', 80)],
  ['--http', { http: { address: { host: '::', port: 80 }, tls: true } }, failure('::', 80)],
  ['--listen', { listen: [1, { address: { host: '::', port: 8 } }] }, failure('::', 8)],
  ['--http', { http: { host: 'localhost', port: 80 } }, failure('127.0.0.1', 80)],
  ['--http', { http: { host: '192.0.2.1', port: 0 } }, failure('192.0.2.1')],
  ['--http', { http: { host: '::', port: 53 } }, failure('::', 53, { syscall: 'bind' })],
  ['--grpc-port', { grpcPort: 80, maxConns: 80 }, failure('::', 80)],
  [
    '--http, --web',
    { http: { host: '::', port: 80 }, webAddress: { host: '::', port: 80 } },
    failure('::', 80),
  ],
])('finds %s in %o', (names, config, error) => {
  expect(told(error, config)).toBe(`${names}: ${error.message}`)
})

it('names where it was written', () => {
  const config = { http: { host: '::', port: 80 } }
  expect(told(failure('::', 80), config, [['http', 'SLUICE_HTTP']])).toMatch(/^SLUICE_HTTP: listen/)
})

it.each<[string, object, Error]>([
  ['another port', { http: { host: '::', port: 81 } }, failure('::', 80)],
  ['another address', { http: { host: '::1', port: 80 } }, failure('::', 80)],
  ['no listener', { http: { host: '::', port: 80 } }, failure('::', 80, { syscall: 'connect' })],
  ['nothing set', { http: undefined, listen: null, webAddress: 'x' }, failure('::', 80)],
])('leaves it as it is where there is %s', (_, config, error) => {
  expect(withSettings(error, schema, { config })).toBe(error)
})
