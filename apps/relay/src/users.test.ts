import { randomBytes } from 'node:crypto'
import type { NewUser } from '@sluice/userstore'
import { openStore } from '@sluice/userstore'
import { RELAY_STATUS } from '@sluice/wire/relay'
import { describe, it } from 'vitest'
import { freshIdentity, type Identity } from './identity.ts'
import { openCircuit, type TestCircuit, TestPeer } from './testing/test-peer.ts'
import { openTestRelay, type TestRelay } from './testing/test-relay.ts'

const userOf = (name: string, { id: nodeId }: Identity, limits: NewUser['limits'] = {}): NewUser => ({
  name,
  limits,
  credentials: [{ kind: 'nodeId', nodeId }],
})

interface Pair {
  readonly alice: Identity
  readonly bob: Identity
}
const pair = (): Pair => ({ alice: freshIdentity(), bob: freshIdentity() })

/** From alice to bob. */
const circuitOf = async ({ at }: TestRelay, { alice, bob }: Pair): Promise<TestCircuit> => {
  const control = await TestPeer.login(at, { identity: bob })
  await control.reserve()
  const source = await TestPeer.login(at, { identity: alice })
  return openCircuit(at, { control, source })
}

const used = ({ program }: TestRelay, name: string): { up: number; down: number } => {
  const account = [...program.directory.accounts()].find(({ user }) => user.name === name)!
  return account.flow.read()
}

describe.concurrent('users', () => {
  it('are known by their NodeID, and nobody else comes in', async ({ expect }) => {
    const alice = freshIdentity()
    await using relay = await openTestRelay([userOf('alice', alice)])
    using peer = await TestPeer.login(relay.at, { identity: alice })
    expect((await peer.reserve()).status).toBe(RELAY_STATUS.OK)
    using stranger = await TestPeer.dial(relay.at)
    const hello = stranger.hello()
    const challenge = await stranger.greet(hello)
    stranger.send({ type: 'auth', signature: stranger.sign(hello, challenge) })
    expect(await stranger.frame('unwelcome')).toMatchObject({ status: RELAY_STATUS.PERMISSION_DENIED })
    await using open = await openTestRelay([userOf('alice', alice)], '--open')
    using guest = await TestPeer.login(open.at)
    expect((await guest.reserve()).status).toBe(RELAY_STATUS.OK)
  })

  it('close a relay of this machine alone, which stays closed when the last is removed', async ({
    expect,
  }) => {
    await using relay = await openTestRelay([])
    using guest = await TestPeer.login(relay.at)
    expect((await guest.reserve()).status).toBe(RELAY_STATUS.OK)
    const { directory, store } = relay.program
    await store.add(userOf('alice', freshIdentity()))
    await directory.refresh()
    expect(await guest.frame('goaway')).toMatchObject({ status: RELAY_STATUS.PERMISSION_DENIED })
    await store.remove('alice')
    await directory.refresh()
    expect(directory.size).toBe(0)
    using late = await TestPeer.dial(relay.at)
    const hello = late.hello()
    late.send({ type: 'auth', signature: late.sign(hello, await late.greet(hello)) })
    expect(await late.frame('unwelcome')).toMatchObject({ status: RELAY_STATUS.PERMISSION_DENIED })
  })

  it('are charged for a circuit at both ends, once if it is the same, and the metrics once', async ({
    expect,
  }) => {
    const both = pair()
    const own = [both.alice, both.bob].map(({ id: nodeId }) => ({ kind: 'nodeId' as const, nodeId }))
    await using two = await openTestRelay([userOf('alice', both.alice), userOf('bob', both.bob)])
    await using one = await openTestRelay([{ name: 'carol', credentials: own }])
    for (const relay of [two, one]) {
      using circuit = await circuitOf(relay, both)
      circuit.source.write(randomBytes(5000))
      await circuit.destination.octets(5000)
      circuit.destination.write(randomBytes(700))
      await circuit.source.octets(700)
      const names = relay === two ? ['alice', 'bob'] : ['carol']
      for (const name of names) expect(used(relay, name)).toEqual({ up: 5000, down: 700 })
      circuit.source.end()
      circuit.destination.end()
      await circuit.control.frame('circuitClosed')
      await expect.poll(() => relay.program.metrics.door('tcp').bytes).toEqual({ up: 5000, down: 700 })
    }
  })

  it('whose quota is used up are cut with both ends, whichever of them it is', async ({ expect }) => {
    const both = pair()
    for (const poor of ['alice', 'bob'] as const) {
      const limits = { quotaBytes: 10_000 }
      const users = (['alice', 'bob'] as const).map((name) =>
        userOf(name, both[name], name === poor ? limits : {}),
      )
      await using relay = await openTestRelay(users)
      using circuit = await circuitOf(relay, both)
      circuit.source.write(randomBytes(20_000))
      expect(await circuit.destination.over()).toBe('reset')
      expect(await circuit.source.over()).toBe('reset')
      expect(relay.relay.state.circuits.size).toBe(0)
      using late = await TestPeer.login(relay.at, { identity: both[poor] })
      late.send({ type: 'reserve', ttl: 0 })
      expect(await late.frame('reserveResponse')).toMatchObject({
        status: RELAY_STATUS.RESOURCE_LIMIT_EXCEEDED,
      })
    }
  })

  it('who are disabled are out within 2 s: their reservations and their circuits', async ({ expect }) => {
    const both = pair()
    await using relay = await openTestRelay([userOf('alice', both.alice), userOf('bob', both.bob)])
    using circuit = await circuitOf(relay, both)
    const store = await openStore(`sqlite:${relay.data}/sluice.db`)
    await store.update('bob', { enabled: false })
    await store.close()
    expect(await circuit.source.over()).toBe('reset')
    expect(await circuit.destination.over()).toBe('reset')
    expect(await circuit.control.over()).toBe('end')
    expect(relay.relay.state.reservations.size).toBe(0)
  })

  it('have no more connections than they may', async ({ expect }) => {
    const both = pair()
    const users = [userOf('alice', both.alice), userOf('bob', both.bob, { connections: 1 })]
    await using relay = await openTestRelay(users)
    using control = await TestPeer.login(relay.at, { identity: both.bob })
    await control.reserve()
    using source = await TestPeer.login(relay.at, { identity: both.alice })
    source.send({ type: 'connect', destination: control.id })
    const { circuitId, token } = await control.frame('incoming')
    using second = await TestPeer.login(relay.at, { identity: both.bob })
    second.send({ type: 'accept', circuitId, token })
    expect(await second.frame('connectRefused')).toMatchObject({
      status: RELAY_STATUS.RESOURCE_LIMIT_EXCEEDED,
    })
    // Nobody waits for a destination that may not come in.
    expect(await source.frame('connectRefused')).toMatchObject({ status: RELAY_STATUS.CONNECTION_FAILED })
  })

  it('are in the line of each session, and peers in those of reservations and circuits', async ({
    expect,
  }) => {
    const both = pair()
    await using relay = await openTestRelay([userOf('alice', both.alice), userOf('bob', both.bob)])
    {
      using circuit = await circuitOf(relay, both)
      circuit.source.write('12345')
      await circuit.destination.octets(5)
      circuit.source.end()
      circuit.destination.end()
      await circuit.control.frame('circuitClosed')
      await circuit.source.over()
    }
    const [a, b] = [both.alice.id.slice(0, 12), both.bob.id.slice(0, 12)]
    await expect.poll(() => relay.journal.of('session.end').length).toBe(3)
    expect(relay.journal.of('session.end')).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ protocol: 'connect', user: 'alice', code: 'OK', up: 5, down: 0 }),
        expect.objectContaining({ protocol: 'accept', user: 'bob', code: 'OK', up: 5, down: 0 }),
        expect.objectContaining({ protocol: 'reserve', user: 'bob', up: 0 }),
      ]),
    )
    expect(relay.journal.of('reservation.opened')).toMatchObject([{ peer: b, user: 'bob' }])
    expect(relay.journal.of('reservation.closed')).toMatchObject([{ peer: b }])
    expect(relay.journal.of('circuit.end')).toMatchObject([
      { source: a, destination: b, status: 'OK', up: 5, down: 0 },
    ])
  })
})
