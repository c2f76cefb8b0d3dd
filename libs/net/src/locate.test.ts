import { expect, test } from 'vitest'
import { AddressPolicy } from './address-policy.ts'
import { createResolver, type CreateResolverOptions } from './dns/create-resolver.ts'
import { createLocate } from './locate.ts'

type Lookup = NonNullable<CreateResolverOptions['lookup']>

const policy = new AddressPolicy(['192.0.2.0/24'])
const answers =
  (...ips: string[]): Lookup =>
  (_host, _options, callback) =>
    callback(
      null,
      ips.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
    )
const fails =
  (code: string): Lookup =>
  (_host, _options, callback) =>
    callback(Object.assign(new Error('as the test wants it'), { code }), [])

test('an address is its own answer, at once and in one spelling', () => {
  const locate = createLocate({ policy })
  expect(locate({ host: '192.0.2.7', port: 53 })).toEqual(['192.0.2.7'])
  expect(locate({ host: '::ffff:192.0.2.7', port: 53 })).toEqual(['192.0.2.7'])
  expect(() => locate({ host: '10.0.0.1', port: 53 })).toThrow(
    expect.objectContaining({ code: 'TARGET_DENIED' }),
  )
})

test('a name leads to the addresses that may be reached, once each', async () => {
  const lookup = answers('10.0.0.1', '192.0.2.7', '2001:4860::1', '::ffff:192.0.2.7')
  expect(
    await createLocate({ policy, resolver: createResolver({ lookup }) })({ host: 'a.example', port: 53 }),
  ).toEqual(['192.0.2.7', '2001:4860::1'])
})

test.each([
  ['TARGET_DENIED', answers('10.0.0.1')],
  ['DIAL_NAME_UNKNOWN', answers()],
  ['DIAL_NAME_UNKNOWN', fails('ENOTFOUND')],
  ['DIAL_NAME_FAILED', fails('EAI_AGAIN')],
  ['DIAL_TIMEOUT', () => {}],
] as const)('%s', async (code, lookup) => {
  const located = createLocate({ policy, resolver: createResolver({ lookup }), deadlineMs: 10 })({
    host: 'a.example',
    port: 53,
  })
  await expect(located).rejects.toMatchObject({ code })
})
