import { type Login, TestClient } from '@sluice/service/testing'
import {
  type Address,
  decodeReply,
  encodeGreeting,
  encodeRequest,
  encodeUserPass,
  METHOD,
} from '@sluice/wire'
import { bytesOf } from './dialects.ts'

/** What comes before the first reply: the method, and that the password is right. */
const AGREED = 4
const REPLY_BYTES = 10

export interface Asked {
  readonly client: TestClient
  readonly reply: number
  readonly bound: Address
}

/** A client of SOCKS5 that has had the first reply to its command, with an IPv4 address in it. */
export const askSocks5 = async (
  door: Address,
  login: Login,
  command: number,
  address: Address,
): Promise<Asked> => {
  const client = await TestClient.connect(door)
  client.send(encodeGreeting({ methods: Uint8Array.of(METHOD.USER_PASS) }))
  client.send(encodeUserPass(bytesOf(login)))
  client.send(encodeRequest({ command, address }))
  const answer = await client.take(AGREED + REPLY_BYTES)
  return { client, ...decodeReply(answer.subarray(AGREED))!.value }
}
