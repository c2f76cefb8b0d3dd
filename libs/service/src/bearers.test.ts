import { createHash } from 'node:crypto'
import { Shaper } from '@sluice/ratelimit'
import type { Credential, User } from '@sluice/userstore'
import { beforeEach, describe, expect, it } from 'vitest'
import type { Held } from './account.ts'
import type { Bearer, Taken } from './bearers.ts'
import { Directory } from './directory.ts'
import { MemoryStore, userOf } from './testing/memory-store.ts'

const ID = 'N'.repeat(44)
const SECRET = Buffer.from('0123456789abcdef')
const node = (nodeId = ID): Credential => ({ kind: 'nodeId', nodeId })
const token = (secret: Uint8Array = SECRET): Credential => ({
  kind: 'token',
  hash: createHash('sha256').update(secret).digest('hex'),
})
const having = (name: string, ...credentials: Credential[]): User => userOf(name, { credentials })

describe('NodeIDs and tokens', () => {
  let store: MemoryStore
  let directory: Directory
  let taken: Taken[]

  const open = async (...users: User[]): Promise<void> => {
    store = new MemoryStore(...users)
    taken = []
    const onTaken = (each: Taken): void => void taken.push(each)
    directory = new Directory({ store, shaper: new Shaper(), onError: () => {}, onTaken })
    await directory.start()
  }
  beforeEach(() => open(having('ada', node(), token()), having('bob')))

  const byNode = (): string | undefined => directory.byNodeId(ID)?.account.user.name
  const byToken = (secret = SECRET): string | undefined => directory.byToken(secret)?.account.user.name

  /** A session that came in by it, and what has cut it. */
  const session = (bearer: Bearer | undefined): { codes: string[] } => {
    const codes: string[] = []
    const cut = (code: string): void => void codes.push(code)
    const held: Held = { kind: 'connection', ip: '', credential: bearer, cut, relimit() {} }
    bearer!.account.enter(held, 0)
    return { codes }
  }

  it('say who somebody is', () => {
    expect([byNode(), byToken()]).toEqual(['ada', 'ada'])
    expect(directory.byNodeId('')).toBeUndefined()
    expect(directory.byNodeId(SECRET.toString())).toBeUndefined()
    expect(directory.byToken(Buffer.from('0123456789abcdee'))).toBeUndefined()
    expect(directory.byToken(Buffer.from(ID))).toBeUndefined()
  })

  it('find a disabled user, whom the account turns away, and nobody who was removed', () => {
    store.put({ ...having('ada', node()), enabled: false })
    expect(byNode()).toBe('ada')
    store.replace(['ada'])
    expect(byNode()).toBeUndefined()
  })

  it('that go cut the sessions that came in by them, and no others', () => {
    const [byId, bySecret] = [directory.byNodeId(ID), directory.byToken(SECRET)]
    const [first, second] = [session(byId), session(bySecret)]
    store.put(having('ada', token(), node('other')))
    expect([first.codes, second.codes]).toEqual([['CREDENTIAL_CHANGED'], []])
    expect([byId!.isValid, bySecret!.isValid]).toEqual([false, true])
    expect(byToken()).toBe('ada')
    expect(directory.byToken(SECRET)).toBe(bySecret)
  })

  it('stay what they are whatever else changes of the user', () => {
    const bearer = directory.byNodeId(ID)
    const { codes } = session(bearer)
    store.put({ ...having('ada', token(), node()), limits: { up: 1000 } })
    expect(directory.byNodeId(ID)).toBe(bearer)
    expect([codes, bearer!.isValid]).toEqual([[], true])
  })

  it.each([['ada first'], ['bob first']])('move from one user to another in one change: %s', (order) => {
    const { codes } = session(directory.byNodeId(ID))
    const users = [having('ada'), having('bob', node())]
    store.put(...(order === 'ada first' ? users : users.toReversed()))
    expect([byNode(), codes, taken]).toEqual(['bob', ['CREDENTIAL_CHANGED'], []])
    const later = session(directory.byNodeId(ID))
    const back = [having('bob'), having('ada', node())]
    store.put(...(order === 'ada first' ? back : back.toReversed()))
    expect([byNode(), later.codes, taken]).toEqual(['ada', ['CREDENTIAL_CHANGED'], []])
  })

  it('go to a user who comes as another goes', () => {
    store.replace(['ada'], [having('cyd', node())])
    expect([byNode(), taken]).toEqual(['cyd', []])
  })

  it('that two users have are those of the first in the directory; of the other is told once', () => {
    store.put(having('bob', node(), token()))
    const told = [
      { kind: 'nodeId', user: 'bob', holder: 'ada' },
      { kind: 'token', user: 'bob', holder: 'ada' },
    ]
    expect([byNode(), byToken(), taken]).toEqual(['ada', 'ada', told])
    store.put({ ...having('bob', node(), token()), limits: { up: 1 } })
    expect(taken).toEqual(told)
    store.put(having('ada'))
    expect([byNode(), byToken()]).toEqual(['bob', 'bob'])
    const { codes } = session(directory.byNodeId(ID))
    store.put(having('ada', node()))
    expect([byNode(), byToken(), codes]).toEqual(['ada', 'bob', ['CREDENTIAL_CHANGED']])
    expect(taken).toEqual([...told, told[0]])
  })

  it('that several users have pass on in the order of the directory', async () => {
    await open(having('ada', node()), having('bob', node()), having('cyd', node()))
    expect(taken.map(({ user, holder }) => [user, holder])).toEqual([
      ['bob', 'ada'],
      ['cyd', 'ada'],
    ])
    store.replace(['bob'])
    store.put(having('ada'))
    expect([byNode(), taken.length]).toEqual(['cyd', 2])
  })

  it('may stand twice in one user', () => {
    store.put(having('bob', node('b'), node('b')))
    store.put(having('bob', node('b')))
    expect([directory.byNodeId('b')?.account.user.name, taken]).toEqual(['bob', []])
    store.put(having('bob'))
    expect(directory.byNodeId('b')).toBeUndefined()
  })
})

describe('the guest', () => {
  it('is no user of the directory, has no name and is not booked', async () => {
    const store = new MemoryStore(userOf('ada'))
    const directory = new Directory({ store, shaper: new Shaper(), onError: () => {} })
    await directory.start()
    const { guest } = directory
    directory.touch(guest)
    guest.count('up', 100_000_000)
    expect([directory.size, [...directory.accounts()].includes(guest), directory.active.size]).toEqual([
      1,
      false,
      0,
    ])
    expect([guest.name, directory.byId('ada')?.name]).toEqual([undefined, 'ada'])
  })

  it('does not wake the ledger however much passes', async () => {
    const directory = new Directory({ store: new MemoryStore(), shaper: new Shaper(), onError: () => {} })
    let woken = 0
    directory.onAttention = (): void => void (woken += 1)
    for (let i = 0; i < 3; i += 1) directory.guest.count('down', 100_000_000)
    expect(woken).toBe(0)
  })

  it('is limited by the defaults, also by those that change', () => {
    const defaults = { total: 1000, connections: 1 }
    const directory = new Directory({
      store: new MemoryStore(),
      shaper: new Shaper(),
      defaults,
      onError: () => {},
    })
    const { guest } = directory
    expect(guest.share.limited('up')).toBe(true)
    const held = (): Held => ({ kind: 'connection', ip: '', cut() {}, relimit() {} })
    guest.enter(held(), 0)
    expect(() => guest.enter(held(), 0)).toThrow(expect.objectContaining({ code: 'CONNECTION_LIMIT' }))
    directory.setDefaults({ total: undefined, connections: 2 })
    expect(guest.share.limited('up')).toBe(false)
    guest.enter(held(), 0)
  })
})
