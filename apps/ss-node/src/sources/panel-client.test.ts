import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { PanelClient } from './panel-client.ts'
import { isUnapplied, SourceError } from './source-error.ts'
import { TestPanel } from './testing/test-panel.ts'

const FOREVER = new AbortController().signal

let panel: TestPanel
let client: PanelClient

beforeEach(async () => {
  panel = await TestPanel.open()
  client = new PanelClient({ endpoint: panel.endpoint, timeoutMs: 60_000 })
})
afterEach(() => panel.close())

const failure = async (call: Promise<unknown>): Promise<SourceError> => {
  const error: unknown = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  if (error instanceof SourceError) return error
  throw new Error('did not fail as it should', { cause: error })
}

describe('a panel', () => {
  it('is asked with its token', async () => {
    panel.answer = { users: [{ user_id: 1 }] }
    expect(Buffer.from(await client.get(FOREVER)).toString()).toBe('{"users":[{"user_id":1}]}')
  })

  it('is told by a post of exactly application/json, with a key', async () => {
    const answer = await client.post('{"data":[]}', 'k1', FOREVER)
    expect(Buffer.from(answer).toString()).toBe('{"ret":1,"data":[]}')
    expect(panel.posts).toMatchObject([{ key: 'k1', type: 'application/json', body: { data: [] } }])
  })

  it.each([
    ['cut', 'PANEL_BROKEN', false],
    ['half, applied', 'PANEL_BROKEN', false],
    ['500', 'PANEL_FAILED', false],
    ['404', 'PANEL_REFUSED', true],
    ['long', 'PANEL_TOO_LONG', false],
    ['elsewhere', 'PANEL_REFUSED', true],
  ] as const)('may answer with %s', async (whim, code, unapplied) => {
    panel.will('POST', whim)
    const error = await failure(client.post('{"data":[]}', 'k', FOREVER))
    expect([error.code, isUnapplied(error)]).toEqual([code, unapplied])
    expect(error.message).not.toContain('secret')
  })

  it.each(['never', 'slow, applied'] as const)('has so much time for its whole answer: %s', async (whim) => {
    panel.will('GET', whim)
    const hasty = new PanelClient({ endpoint: panel.endpoint, timeoutMs: 50 })
    expect((await failure(hasty.get(FOREVER))).code).toBe('PANEL_TIMEOUT')
  })

  it('that is gone has seen nothing', async () => {
    await panel.close()
    const error = await failure(client.post('{"data":[]}', 'k', FOREVER))
    expect([error.code, isUnapplied(error)]).toEqual(['PANEL_UNREACHABLE', true])
    panel = await TestPanel.open()
  })

  it('that does not speak TLS has seen nothing', async () => {
    const endpoint = panel.endpoint.replace('http:', 'https:')
    const error = await failure(new PanelClient({ endpoint, timeoutMs: 60_000 }).post('{}', 'k', FOREVER))
    expect([error.code, isUnapplied(error)]).toEqual(['PANEL_UNREACHABLE', true])
  })

  it('that does not speak HTTP is of no use', async () => {
    const server = createServer((socket) => socket.on('error', () => {}).end('220 mail.example ESMTP\r\n'))
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}/?token=t`
    const error = await failure(new PanelClient({ endpoint, timeoutMs: 60_000 }).get(FOREVER))
    expect(error.code).toBe('PANEL_BROKEN')
    server.close()
  })

  it('may have moved, and posts stay posts', async () => {
    panel.will('POST', 'moved')
    await client.post('{"data":[]}', 'k', FOREVER)
    expect(panel.posts.map(({ url }) => url.split('?')[0])).toEqual(['/api/user_ss_config/7/', '/moved/'])
  })

  it('may move no more than three times', async () => {
    panel.will('GET', 'moved', 'moved', 'moved', 'moved')
    expect((await failure(client.get(FOREVER))).code).toBe('PANEL_REFUSED')
  })

  it('may be given up', async () => {
    panel.will('GET', 'never')
    const giving = new AbortController()
    const arrival = panel.arrival('GET')
    const asked = failure(client.get(giving.signal))
    await arrival
    giving.abort()
    expect((await asked).code).toBe('PANEL_TIMEOUT')
  })

  it('may say where usage goes', async () => {
    const postedTo = async (url: string | undefined): Promise<string | undefined> => {
      client.postTo = url
      await client.post('{"data":[]}', 'k', FOREVER)
      return panel.posts.at(-1)?.url
    }
    expect(await postedTo('/traffic?token=very-secret-token')).toBe('/traffic?token=very-secret-token')
    expect(await postedTo(`${panel.origin}/t?token=very-secret-token`)).toBe('/t?token=very-secret-token')
    for (const usual of [undefined, 'file:///etc/passwd', 'http://[']) {
      expect(await postedTo(usual)).toBe('/api/user_ss_config/7/?token=very-secret-token')
    }
  })

  it('over TLS is not left for one without', () => {
    const secure = new PanelClient({ endpoint: 'https://panel.example/?token=t', timeoutMs: 1 })
    secure.postTo = 'http://panel.example/'
    expect(secure.place).toBe('https://panel.example/')
  })

  it('is called by its name without secrets', () => {
    const endpoint = 'https://me:pw@panel.example/api/1/?token=secret#x'
    expect(new PanelClient({ endpoint, timeoutMs: 1 }).place).toBe('https://panel.example/api/1/')
  })
})
