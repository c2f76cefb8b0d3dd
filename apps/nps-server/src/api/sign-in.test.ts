import { expect, test } from 'vitest'
import { totpCode, totpStep } from '../totp.ts'
import { openTestApi, type TestApi } from './testing/test-api.ts'

interface Made {
  readonly id: number
  readonly token: string
  readonly key: { readonly secret: string; readonly uri: string }
}

const made = async (api: TestApi, totp = true): Promise<Made & { code: () => string }> => {
  const { body } = await api.ask<Made>('POST /v1/tokens', { name: 'ann', scopes: ['read', 'write'], totp })
  const secret = api.store.tokens.totpSecret(body.id)!
  return { ...body, code: () => totpCode(secret, Math.floor(Date.now() / 30_000)) }
}

/** One that is not good now. */
const wrongCode = (api: TestApi, id: number): string => {
  const secret = api.store.tokens.totpSecret(id)!
  return ['000000', '111111', '222222', '333333'].find(
    (code) => totpStep(secret, code, Date.now()) === undefined,
  )!
}

const send = async (
  api: TestApi,
  line: string,
  headers: Record<string, string>,
): Promise<{ status: number; code: string; body: Record<string, unknown>; cookie: string | null }> => {
  const [method = '', path = ''] = line.split(' ')
  const response = await fetch(api.url + path, { method, headers })
  const text = await response.text()
  const body = (text === '' ? {} : JSON.parse(text)) as Record<string, unknown>
  return {
    status: response.status,
    code: String(body['code']),
    body,
    cookie: response.headers.get('set-cookie'),
  }
}

const bearer = (token: string, code?: string): Record<string, string> => ({
  authorization: `Bearer ${token}`,
  ...(code !== undefined && { 'sluice-code': code }),
})

/** The headers of a session, and what set its cookie. */
const signedIn = async (
  api: TestApi,
  headers: Record<string, string>,
): Promise<{ session: { cookie: string; 'sluice-session': string }; set: string }> => {
  const { status, body, cookie } = await send(api, 'POST /v1/session', headers)
  expect(status).toBe(200)
  const [pair = ''] = cookie!.split(';')
  return { session: { cookie: pair, 'sluice-session': String(body['key']) }, set: cookie! }
}

const STATUS = 'GET /v1/status'

test('a token with codes wants one each time, which is good once', async () => {
  await using api = await openTestApi({ authFailures: 0 })
  const { id, token, key, code } = await made(api)
  expect(key.uri).toContain(`secret=${key.secret}`)
  expect(await send(api, STATUS, bearer(token))).toMatchObject({ status: 401, code: 'CODE_REQUIRED' })
  const now = code()
  expect(await send(api, STATUS, bearer(token, now))).toMatchObject({ status: 200 })
  expect(await send(api, STATUS, bearer(token, now))).toMatchObject({ status: 401, code: 'AUTH_FAILED' })
  for (const wrong of [wrongCode(api, id), '', 'x', '1'.repeat(4000)])
    expect(await send(api, STATUS, bearer(token, wrong))).toMatchObject({ status: 401, code: 'AUTH_FAILED' })
  const told = JSON.stringify([(await api.ask('GET /v1/tokens')).body, (await api.ask('GET /v1/audit')).body])
  expect(told).toContain('"totp":true')
  expect(told + api.lines.join('')).not.toContain(key.secret)
})

test('of wrong codes one has to wait, with the right one too, and who has another token does not', async () => {
  await using api = await openTestApi({ authFailures: 3 })
  const { id, token, code } = await made(api)
  for (let nth = 0; nth < 3; nth += 1)
    expect(await send(api, STATUS, bearer(token, wrongCode(api, id)))).toMatchObject({ code: 'AUTH_FAILED' })
  expect(await send(api, STATUS, bearer(token, code()))).toMatchObject({ status: 429, code: 'AUTH_LIMIT' })
  expect(api.lines.join('')).toContain(`"by":"token:${id}","msg":"web.denied"`)
  expect((await api.ask(STATUS)).status).toBe(200)
})

test('they are counted by token, too: another one from the same address is no way around', async () => {
  await using api = await openTestApi({ authFailures: 1 })
  const { id, token, code } = await made(api)
  // Who has another token begins anew each time, as far as the address goes.
  for (let nth = 0; nth < 10; nth += 1) {
    expect(await send(api, STATUS, bearer(token, wrongCode(api, id)))).toMatchObject({ code: 'AUTH_FAILED' })
    await api.ask(STATUS)
  }
  expect(await send(api, STATUS, bearer(token, code()))).toMatchObject({ status: 429, code: 'AUTH_LIMIT' })
})

test('a session stands for token and code, until it is left', async () => {
  await using api = await openTestApi()
  const { id, token, code } = await made(api)
  expect(await send(api, 'POST /v1/session', bearer(token))).toMatchObject({
    code: 'CODE_REQUIRED',
    cookie: null,
  })
  const { session, set } = await signedIn(api, bearer(token, code()))
  expect(set).toMatch(/^sluice-session=[\w-]{43}; Path=\/v1; Max-Age=43200; HttpOnly; SameSite=Strict$/)
  for (let nth = 0; nth < 3; nth += 1)
    expect(await send(api, STATUS, session)).toMatchObject({ status: 200, cookie: null })
  // A browser sends the cookie wherever it was set, and the key nowhere by itself.
  for (const half of [{ cookie: session.cookie }, { 'sluice-session': session['sluice-session'] }])
    expect(await send(api, STATUS, half)).toMatchObject({ status: 401, code: 'AUTH_REQUIRED' })
  expect(await send(api, 'POST /v1/session', session)).toMatchObject({ status: 401, code: 'AUTH_REQUIRED' })
  expect(await send(api, 'DELETE /v1/session', session)).toMatchObject({
    status: 204,
    cookie: expect.stringContaining('Max-Age=0') as string,
  })
  expect(await send(api, STATUS, session)).toMatchObject({ status: 401, code: 'AUTH_REQUIRED' })
  expect(await send(api, 'DELETE /v1/session', bearer(api.token))).toMatchObject({ status: 401 })
  const told = api.lines.map((line) => JSON.parse(line) as Record<string, unknown>)
  expect(told.filter(({ by }) => by === `token:${id}`)).toMatchObject([
    { msg: 'web.signed-in', client: '127.0.0.1' },
    { msg: 'web.signed-out', client: '127.0.0.1' },
  ])
  expect(api.lines.join('')).not.toContain(session['sluice-session'])
})

test('a session does what its token may, and goes with it', async () => {
  await using api = await openTestApi()
  const { body } = await api.ask<Made>('POST /v1/tokens', { name: 'look', scopes: ['read'] })
  const { session } = await signedIn(api, bearer(body.token))
  expect(await send(api, 'GET /v1/audit', session)).toMatchObject({ status: 403, code: 'SCOPE_DENIED' })
  const other = await signedIn(api, bearer(body.token))
  expect((await api.ask(`DELETE /v1/tokens/${body.id}/sessions`)).status).toBe(204)
  for (const each of [session, other.session])
    expect(await send(api, STATUS, each)).toMatchObject({ status: 401 })
  expect((await api.ask('DELETE /v1/tokens/99/sessions')).status).toBe(404)
  const last = await signedIn(api, bearer(body.token))
  expect((await api.ask(`DELETE /v1/tokens/${body.id}`)).status).toBe(204)
  expect(await send(api, STATUS, last.session)).toMatchObject({ status: 401, code: 'AUTH_REQUIRED' })
})

test('over TLS its cookie is for TLS alone', async () => {
  await using api = await openTestApi()
  const { set } = await signedIn(api, { ...bearer(api.token), 'x-forwarded-proto': 'https' })
  expect(set).toMatch(/; Secure$/)
})
