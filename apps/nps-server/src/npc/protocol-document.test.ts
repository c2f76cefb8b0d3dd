import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import {
  decodeNpcHello,
  decodeNpcLink,
  encodeNpcHello,
  encodeNpcLink,
  NpcMuxDecoder,
  type NpcMuxSink,
  npcMessageRoom,
  writeNpcMessage,
} from '@sluice/wire/npc'

const text = readFileSync(new URL('../../../../docs/protocols/npc.md', import.meta.url), 'utf8')
const example = (name: string): Buffer => {
  const [, hex] = new RegExp(`\`\`\`hex ${name}\n([^\`]+)\`\`\``).exec(text)!
  return Buffer.from(hex!.replaceAll(/\s/g, ''), 'hex')
}

describe('docs/protocols/npc.md', () => {
  it('shows a hello as it is', () => {
    const bytes = example('hello')
    const { value, size } = decodeNpcHello(bytes)!
    expect([value, size]).toEqual([{ core: '0.26.0', release: '0.26.10' }, bytes.length])
    expect(Buffer.from(encodeNpcHello(value))).toEqual(bytes)
  })

  it('shows the first frame of a stream as it is', () => {
    const bytes = example('frame')
    const parts: Uint8Array[] = []
    const sink = { onData: (_: number, payload: Uint8Array) => parts.push(payload) }
    new NpcMuxDecoder(sink as unknown as NpcMuxSink).push(bytes)
    const { value } = decodeNpcLink(Buffer.concat(parts))!
    expect(value).toMatchObject({ type: 'tcp', host: '10.0.0.1:80', timeoutMs: 5000 })
    const message = encodeNpcLink(value)
    const frames = Buffer.alloc(npcMessageRoom(message.length))
    writeNpcMessage(1, message, frames, 0)
    expect(frames).toEqual(bytes)
  })
})
