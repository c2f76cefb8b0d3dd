import type { Decode } from '@sluice/wire'
import type { RelayClient } from './circuit.ts'
import { Line, type Pipe } from './line.ts'
import { WebSocketLine } from './web-socket-line.ts'

/** What `peers/pair-relay.ts` and `peers/ws-relay.ts` say to both ends once they are a pair. */
const go: Decode<true> = (bytes) => (bytes.length === 0 ? undefined : { value: true, size: 1 })

type Readable = Pipe & { read(decode: Decode<true>): Promise<true> }

/** Circuits through a relay that makes a pair of any two who come and say a byte. */
export function pairClient(port: number, transport: 'tcp' | 'ws'): RelayClient {
  const dial = (): Promise<Readable> => (transport === 'ws' ? WebSocketLine.dial(port) : Line.dial(port))
  const come = async (): Promise<Readable> => {
    const pipe = await dial()
    pipe.write(pipe.wrap(Uint8Array.of(1)))
    return pipe
  }
  return {
    prepare: async () => {
      const source = await come()
      return async () => {
        const destination = await come()
        await Promise.all([source.read(go), destination.read(go)])
        return { source, destination }
      }
    },
  }
}
