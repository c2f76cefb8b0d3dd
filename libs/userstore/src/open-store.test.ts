import { execFile } from 'node:child_process'
import { resolve } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'
import { openStore, parseStoreUrl } from './open-store.ts'
import { StoreThread } from './store-thread.ts'
import { dataDirs } from './testing/store-harness.ts'

const run = promisify(execFile)

test.each([
  ['sqlite:/var/lib/sluice.db', { kind: 'sqlite', file: '/var/lib/sluice.db' }],
  ['json:users.json', { kind: 'json', file: resolve('users.json') }],
  ['sqlite:a:b c?', { kind: 'sqlite', file: resolve('a:b c?') }],
])('%j is a store', (url, parsed) => expect(parseStoreUrl(url)).toEqual(parsed))

test.each(['', 'sqlite:', 'users.json', 'SQLITE:x', 'postgres://x', 'json:a\0b', `json:${'x'.repeat(4096)}`])(
  '%j is no store',
  async (url) => {
    await expect(openStore(url)).rejects.toMatchObject({ code: 'STORE_URL' })
  },
)

describe('openStore', () => {
  const dataDir = dataDirs('sqlite')

  test('an error of the opening keeps its code and cause across threads', async () => {
    const opening = openStore('sqlite:/dev/null/sluice.db')
    await expect(opening).rejects.toMatchObject({ code: 'STORE_OPEN', cause: expect.any(Error) as unknown })
  })

  test('an open store does not keep a finished program, and a waiting call does', async () => {
    const index = JSON.stringify(new URL('index.ts', import.meta.url))
    const url = JSON.stringify(dataDir().url)
    const program = `import { openStore } from ${index}
      const store = await openStore(${url})
      store.watch(() => {}, () => {})
      await store.add({ name: 'ada' })
      console.log((await store.list()).users.length)`
    const flags = [
      '--experimental-strip-types',
      '--disable-warning=ExperimentalWarning',
      '--input-type=module',
    ]
    expect(await run(process.execPath, [...flags, '-e', program])).toEqual({ stdout: '1\n', stderr: '' })
  })
})

const thread = (code: string) =>
  new StoreThread(new URL(`data:text/javascript,${encodeURIComponent(code)}`), {
    kind: 'sqlite',
    file: 'x.db',
    now: 0,
    busyMs: 0,
  })

describe('a thread that dies', () => {
  test.each([
    ['by an error', "throw new Error('boom')", { message: 'boom' }],
    ['by leaving', 'process.exit(3)', undefined],
  ])('%s rejects the opening and all calls, with the cause', async (_, code, cause) => {
    const dying = thread(code)
    const waiting = dying.call('list', 0)
    await expect(dying.opened).rejects.toMatchObject({ code: 'STORE_FAILED', ...(cause && { cause }) })
    await expect(waiting).rejects.toMatchObject({ code: 'STORE_FAILED' })
    await expect(dying.call('list', 0)).rejects.toMatchObject({ code: 'STORE_FAILED' })
    await dying.close()
  })

  test('in the middle of a call rejects that call and those behind it', async () => {
    const dying = thread(`import { parentPort } from 'node:worker_threads'
      parentPort.on('message', () => { throw new Error('boom') })
      parentPort.postMessage({ id: 0, value: 'install' })`)
    expect(await dying.opened).toBe('install')
    const calls = [dying.call('list', 0), dying.call('list', 1)]
    for (const call of calls)
      await expect(call).rejects.toMatchObject({ code: 'STORE_FAILED', cause: { message: 'boom' } })
    await dying.close()
  })

  test('a value that cannot cross threads rejects its call only', async () => {
    const dying = thread(`import { parentPort } from 'node:worker_threads'
      parentPort.on('message', ({ id }) => { parentPort.postMessage({ id }); parentPort.close() })
      parentPort.postMessage({ id: 0, value: 'install' })`)
    await dying.opened
    const user = Object.assign({ name: 'ada' }, { extra: () => 1 })
    await expect(dying.call('add', user, 0)).rejects.toMatchObject({ code: 'USER_VALUE' })
    await dying.close()
  })
})
