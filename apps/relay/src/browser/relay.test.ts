import { randomBytes } from 'node:crypto'
import { describe, it } from 'vitest'
import { freshIdentity } from '../identity.ts'
import { openTestRelay } from '../testing/test-relay.ts'
import { connect } from './connect.ts'
import { listen } from './listen.ts'
import type { PeerStream } from './sealed-stream.ts'
import { createIdentity } from './web-identity.ts'

const collect = async (stream: ReadableStream<Uint8Array>): Promise<Buffer> => {
  const parts: Uint8Array[] = []
  for await (const part of stream) parts.push(part)
  return Buffer.concat(parts)
}
const put = async (stream: WritableStream<Uint8Array>, bytes: Uint8Array): Promise<void> => {
  const writer = stream.getWriter()
  for (let at = 0; at < bytes.length; at += 100_000) await writer.write(bytes.subarray(at, at + 100_000))
  await writer.close()
}

/** A relay, and two peers by the WebSocket of the platform. */
const meet = async (...argv: string[]) => {
  const server = await openTestRelay([], '--listen', 'ws://127.0.0.1:0', '--preset', 'private', ...argv)
  const url = `ws://127.0.0.1:${server.at.port}`
  const came = Promise.withResolvers<PeerStream>()
  const identity = await createIdentity()
  const listening = await listen({ relay: url, identity, onStream: came.resolve, onFailed: came.reject })
  const source = await connect({ relay: url, identity: freshIdentity(), peer: listening.id })
  return { server, listening, source, destination: await came.promise }
}

describe.concurrent('by a relay of ours', () => {
  it('two peers move megabytes both ways, each with an end of its own', async ({ expect }) => {
    const { server, source, destination, listening } = await meet()
    await using _ = server
    const [up, down] = [randomBytes(3_000_000), randomBytes(2_000_000)]
    const got = [collect(destination.readable), collect(source.readable)]
    await put(source.writable, up)
    expect((await got[0]!).equals(up)).toBe(true)
    await put(destination.writable, down)
    expect((await got[1]!).equals(down)).toBe(true)
    listening.close()
    await listening.ended
  })

  it('a limit is told as one, and never as an end', async ({ expect }) => {
    const { server, source, destination } = await meet('--circuit-bytes', '100000')
    await using _ = server
    const got = collect(destination.readable)
    const writer = source.writable.getWriter()
    writer.write(randomBytes(200_000)).catch(() => {})
    await expect(got).rejects.toMatchObject({ code: 'PEER_RESET', status: 33 })
    await expect(writer.closed).rejects.toThrow()
  })
})
