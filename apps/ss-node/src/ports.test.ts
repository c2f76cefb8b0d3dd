import { setImmediate } from 'node:timers/promises'
import type { Account } from '@sluice/service'
import { ssKey, ssMethod } from '@sluice/wire/shadowsocks'
import { afterEach, expect, it, vi } from 'vitest'
import type { Keyring } from './keyring.ts'
import type { PlanSettings } from './plan.ts'
import { Ports } from './ports.ts'
import { accountOf, type TestUser, userOf } from './testing/users.ts'

const AES_2022 = '2022-blake3-aes-128-gcm'
const KEY_2022 = 'AAECAwQFBgcICQoLDA0ODw=='
const serverKey = ssKey(ssMethod(AES_2022)!, KEY_2022)

/** Users and listeners as the test says. */
class Stage {
  readonly accounts = new Map<string, Account>()
  readonly listening = new Map<number, { keyring: Keyring; user: string | undefined }>()
  /** Ports that somebody else has. */
  readonly occupied = new Set<number>()
  readonly lines: [string, Record<string, unknown>][] = []
  opened = 0
  #onChange = (): void => {}
  readonly ports: Ports

  constructor(settings: Partial<PlanSettings> = {}, retryMs = 1e6) {
    const write = (fields: Record<string, unknown>, message: string): void =>
      void this.lines.push([message, fields])
    this.ports = new Ports({
      directory: {
        accounts: () => this.accounts.values(),
        watch: (onChange) => {
          this.#onChange = onChange
          return { [Symbol.dispose]: () => (this.#onChange = (): void => {}) }
        },
      },
      log: { warn: write as never },
      settings: { sharedPort: undefined, serverKeys: new Map(), insecureMethods: false, ...settings },
      retryMs,
      open: async (port, keyring, user) => {
        await setImmediate()
        if (this.occupied.has(port)) throw Object.assign(new Error('in use'), { code: 'EADDRINUSE' })
        this.opened += 1
        this.listening.set(port, { keyring, user })
        return { address: { host: '::', port }, close: () => void this.listening.delete(port) }
      },
    })
    stages.push(this)
  }

  async put(...users: TestUser[]): Promise<void> {
    for (const user of users) {
      const account = this.accounts.get(user.name)
      if (account === undefined) this.accounts.set(user.name, accountOf(user))
      else account.update(userOf(user), 0)
    }
    await this.changed()
  }

  async remove(name: string): Promise<void> {
    this.accounts.delete(name)
    await this.changed()
  }

  tell(): void {
    this.#onChange()
  }

  async changed(): Promise<void> {
    this.tell()
    await this.ports.refresh()
  }

  /** Who is served where. */
  get served(): Record<number, string> {
    return Object.fromEntries(
      [...this.listening].map(([port, { keyring }]) => [
        port,
        keyring.users.map(({ name }) => name).join(' '),
      ]),
    )
  }
}

const stages: Stage[] = []
afterEach(() => {
  vi.useRealTimers()
  for (const stage of stages.splice(0)) stage.ports[Symbol.dispose]()
})

/** A session that came in with a user's only credential. */
const sessionOf = (stage: Stage, name: string): { codes: string[] } => {
  const user = stage.ports.users.find((each) => each.name === name)!
  const codes: string[] = []
  const held: Parameters<Account['enter']>[0] = {
    kind: 'connection',
    ip: '192.0.2.1',
    credential: user,
    cut: (code) => void codes.push(code),
    relimit: () => {},
  }
  user.account.enter(held, 0)
  return { codes }
}

it('opens a port for each user, and closes it when the user goes', async () => {
  const stage = new Stage()
  await stage.put({ name: 'ada', port: 1 }, { name: 'bob', port: 2 })
  expect(stage.served).toEqual({ 1: 'ada', 2: 'bob' })
  expect(stage.listening.get(1)!.user).toBe('ada')
  await stage.remove('ada')
  expect([stage.served, stage.ports.states()]).toEqual([{ 2: 'bob' }, { open: 1, unavailable: 0 }])
})

it('changes who is on a port without opening it anew', async () => {
  const stage = new Stage({ sharedPort: 0 })
  await stage.ports.refresh()
  expect(stage.served).toEqual({ 0: '' })
  await stage.put({ name: 'ada' })
  await stage.put({ name: 'bob' })
  await stage.remove('ada')
  expect([stage.served, stage.opened]).toEqual([{ 0: 'bob' }, 1])
  expect(stage.listening.get(0)!.user).toBeUndefined()
})

it('takes what changes while it works', async () => {
  const stage = new Stage()
  const first = stage.put({ name: 'ada', port: 1 })
  await stage.put({ name: 'bob', port: 2 })
  await first
  expect(stage.served).toEqual({ 1: 'ada', 2: 'bob' })
})

it.each([{ secret: 'another' }, { port: 9 }, { method: 'aes-128-gcm' }])(
  'ends what came in with a credential that has changed, %o, and nothing else',
  async (change) => {
    const stage = new Stage({ sharedPort: 0 })
    await stage.put({ name: 'ada', port: 1 }, { name: 'bob' })
    const [ada, bob] = [sessionOf(stage, 'ada'), sessionOf(stage, 'bob')]
    await stage.put({ name: 'ada', port: 1, limits: { down: 1 } })
    expect(ada.codes).toEqual([])
    await stage.put({ name: 'ada', port: 1, ...change })
    expect([ada.codes, bob.codes]).toEqual([['CREDENTIAL_CHANGED'], []])
    const later = sessionOf(stage, 'ada')
    await stage.changed()
    expect(later.codes).toEqual([])
  },
)

it('tells of users who cannot be served, and serves the others', async () => {
  const stage = new Stage()
  await stage.put({ name: 'ada', port: 1, method: 'rot13' }, { name: 'bob', port: 1 }, { name: 'eve' })
  expect(stage.served).toEqual({ 1: 'bob' })
  expect(stage.lines.map(([message, { user, reason }]) => [message, user, reason])).toEqual([
    ['user.unserved', 'ada', 'METHOD_UNKNOWN'],
    ['user.unserved', 'eve', 'PORT_MISSING'],
  ])
})

it('tells of a port that is in use, serves the others, and tries again', async () => {
  const stage = new Stage({}, 1)
  stage.occupied.add(1)
  await stage.put({ name: 'ada', port: 1 }, { name: 'bob', port: 2 })
  expect([stage.served, stage.ports.states()]).toEqual([{ 2: 'bob' }, { open: 1, unavailable: 1 }])
  const unserved = { user: 'ada', port: 1, reason: 'PORT_UNAVAILABLE', detail: 'EADDRINUSE' }
  expect(stage.lines).toContainEqual(['user.unserved', unserved])
  const said = stage.lines.length
  await stage.changed()
  expect(stage.lines.length).toBe(said)
  stage.occupied.clear()
  await expect.poll(() => stage.ports.report.counts.size, { interval: 1 }).toBe(0)
  expect(stage.served).toEqual({ 1: 'ada', 2: 'bob' })
})

it('a user who takes the place of another is not served by what that one had', async () => {
  const stage = new Stage()
  await stage.put({ name: 'ada', port: 1, method: AES_2022, secret: KEY_2022 })
  const ada = sessionOf(stage, 'ada')
  await stage.put({ name: 'bob', port: 1, method: AES_2022, secret: 'QEFCQ0RFRkdISUpLTE1OTw==' })
  expect([stage.served, ada.codes]).toEqual([{ 1: 'ada' }, []])
  await stage.put({ name: 'ada', port: 2, method: AES_2022, secret: KEY_2022 })
  expect([stage.served, ada.codes]).toEqual([{ 1: 'bob', 2: 'ada' }, ['CREDENTIAL_CHANGED']])
})

it('settings that change hold for those who are served', async () => {
  const stage = new Stage({ insecureMethods: true })
  await stage.put({ name: 'ada', port: 1, method: 'none' }, { name: 'bob', port: 2 })
  const ada = sessionOf(stage, 'ada')
  stage.ports.set({ sharedPort: undefined, serverKeys: new Map(), insecureMethods: false })
  await stage.ports.refresh()
  expect([stage.served, ada.codes]).toEqual([{ 2: 'bob' }, ['CREDENTIAL_CHANGED']])
})

it('knows users by their identity where the port has a server key', async () => {
  const stage = new Stage({ serverKeys: new Map([[1, serverKey]]) })
  await stage.put({ name: 'ada', port: 1, method: AES_2022, secret: 'QEFCQ0RFRkdISUpLTE1OTw==' })
  const keyring = stage.ports.keyring(1)!
  const hash = Buffer.from('bc284c0c970c53f53bc5e4e671a0386b', 'hex')
  expect(keyring.byIdentity(hash)?.name).toBe('ada')
  expect([keyring.byIdentity(hash.fill(0)), keyring.owner]).toEqual([undefined, undefined])
})

it('holds up nobody when thousands come', async () => {
  const stage = new Stage({ sharedPort: 0 })
  for (let i = 0; i < 10_000; i++) stage.accounts.set(`user-${i}`, accountOf({ name: `user-${i}` }))
  let turns = 0
  const turn = (): void => void (turns += 1)
  const timer = setInterval(turn, 0)
  await stage.changed()
  clearInterval(timer)
  expect(stage.ports.users.length).toBe(10_000)
  expect(turns).toBeGreaterThan(2)
})

it('does the work once for users who come in pages, and does not wait for the last for ever', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
  const stage = new Stage()
  const refreshed = vi.spyOn(stage.ports, 'refresh')
  const tellEvery10Ms = async (times: number): Promise<void> => {
    for (let i = 0; i < times; i++) {
      stage.tell()
      vi.advanceTimersByTime(10)
      await setImmediate()
    }
  }
  await tellEvery10Ms(10)
  expect(refreshed).toHaveBeenCalledTimes(0)
  vi.advanceTimersByTime(10)
  expect(refreshed).toHaveBeenCalledTimes(1)
  await tellEvery10Ms(30)
  expect(refreshed).toHaveBeenCalledTimes(2)
})

it('follows no more once it is disposed of, and leaves open what is open', async () => {
  const stage = new Stage()
  await stage.put({ name: 'ada', port: 1 })
  stage.ports[Symbol.dispose]()
  await stage.put({ name: 'bob', port: 2 })
  expect(stage.served).toEqual({ 1: 'ada' })
})
