import { AddressPolicy, createDial } from '@sluice/net'
import { SignInGuard } from '@sluice/service'
import { type Login, openTestDoor, TestClient, type TestDoor } from '@sluice/service/testing'
import { decodeResponseHead, encodeBasic, fieldValues } from '@sluice/wire'
import { expect, test } from 'vitest'
import { bytesOf, DIALECTS } from './testing/dialects.ts'
import { testHandshake } from './testing/test-handshake.ts'

const ADA = { name: 'ada', password: 'horse' }
const MALLORY = { name: 'ada', password: 'wrong' }
const TARGET = { host: '192.0.2.1', port: 80 }

/** Every protocol in which one can sign in, and what its client sends. */
const PROTOCOLS = new Map<string, (login: Login) => Uint8Array>([
  ...DIALECTS.map((dialect): [string, (login: Login) => Uint8Array] => [
    dialect.name,
    (login) => Buffer.concat(dialect.messages(TARGET, login)),
  ]),
  [
    'plain HTTP',
    (login) =>
      Buffer.from(
        `GET http://192.0.2.1/ HTTP/1.1\r\nHost: x\r\nProxy-Authorization: ${encodeBasic(bytesOf(login))}\r\n\r\n`,
      ),
  ],
])

const outcome = async (
  door: TestDoor,
  protocol: string,
  login: Login,
): Promise<{ code: string; answer: Buffer }> => {
  const client = await TestClient.connect(door.address)
  client.send(PROTOCOLS.get(protocol)!(login))
  const answer = await client.rest()
  const { code } = await door.end(client)
  client.close()
  return { code, answer }
}

test.each([...PROTOCOLS.keys()])(
  'guesses by %s count, and keep their address out of all',
  async (guessed) => {
    const guard = new SignInGuard({ failures: 1, backoffMs: 90_000 }, () => 1)
    const dial = createDial({ policy: new AddressPolicy() })
    const door = await openTestDoor(testHandshake(), { users: [ADA], dial, guard })
    expect((await outcome(door, guessed, MALLORY)).code).toBe('AUTH_FAILED')
    for (const protocol of PROTOCOLS.keys()) {
      const { code, answer } = await outcome(door, protocol, ADA)
      expect([protocol, code]).toEqual([protocol, 'AUTH_LIMIT'])
      if (!/HTTP/.test(protocol)) continue
      const { value: head } = decodeResponseHead(answer)!
      expect([head.status, fieldValues(head, 'retry-after'), fieldValues(head, 'sluice-limit')]).toEqual([
        429,
        ['1'],
        ['sign-ins'],
      ])
    }
    await door.close()
  },
)
