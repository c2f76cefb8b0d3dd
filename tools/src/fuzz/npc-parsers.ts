import { WireError } from '@sluice/wire'
import {
  type NpsFile,
  NpcMuxDecoder,
  readNpcConf,
  readNpsAccounts,
  readNpsClients,
  readNpsConf,
  readNpsGlobal,
  readNpsHosts,
  readNpsTunnels,
  SnappyDecoder,
} from '@sluice/wire/npc'
import { YamuxDecoder } from '@sluice/wire/yamux'
import { NpcFrames, YamuxFrames } from '../../../libs/wire/src/testing/mux-frames.ts'
import type { FuzzedParser } from './parsers.ts'

const refusals = [WireError]

/** Whether each error of a file has the line of its offset. */
const misplaced = ({ text, errors }: { text: string } & NpsFile<unknown>): string | undefined => {
  const wrong = errors.find(({ line, offset }) => text.slice(0, offset).split('\n').length !== line)
  return wrong && `has an error in line ${wrong.line} at ${wrong.offset}`
}

const file = (name: string, read: (text: string) => NpsFile<unknown>, sample: string[]): FuzzedParser => ({
  name,
  parse: (text) => ({ text, ...read(text) }),
  refusals: [],
  flaw: misplaced,
  sample,
})

const ini = (name: string, parse: (text: string) => unknown, sample: string[]): FuzzedParser => ({
  name,
  parse,
  refusals: [],
  sample,
})

interface Pushed {
  push(chunk: Uint8Array): void
}

/** What a decoder made of these bytes in pieces of this size, up to an error that is none of ours. */
const pushed = (decoder: Pushed, bytes: Uint8Array, size: number): string => {
  try {
    for (let at = 0; at < bytes.length; at += size) decoder.push(bytes.slice(at, at + size))
  } catch (error) {
    if (error instanceof WireError) return error.code
    throw error
  }
  return 'more'
}

/** A push decoder says the same however its bytes are cut. */
const cut = (
  name: string,
  run: (bytes: Uint8Array, size: number) => string,
  sample: string[],
): FuzzedParser => ({
  name,
  parse: (text) => {
    const bytes = Uint8Array.from(Buffer.from(text, 'latin1'))
    return [Math.max(1, bytes.length), 1, 5].map((size) => run(bytes, size))
  },
  refusals,
  flaw: (said: readonly string[]): string | undefined =>
    new Set(said).size > 1 ? `says ${said.join(' or ')}, by how it is cut` : undefined,
  sample,
})

const hexOf = (parts: readonly Uint8Array[]): string => Buffer.concat(parts).toString('hex')

const npcMux = (bytes: Uint8Array, size: number): string => {
  const sink = new NpcFrames()
  const end = pushed(new NpcMuxDecoder(sink), bytes, size)
  return JSON.stringify([end, sink.frames])
}

const yamux = (bytes: Uint8Array, size: number): string => {
  const sink = new YamuxFrames()
  const end = pushed(new YamuxDecoder(sink), bytes, size)
  const others = sink.frames.filter((frame) => frame.type !== 'data')
  const data = sink.frames.flatMap((frame) => (frame.type === 'data' ? [frame.payload] : []))
  return JSON.stringify([end, others, hexOf(data)])
}

const snappy = (bytes: Uint8Array, size: number): string => {
  const found: Uint8Array[] = []
  const end = pushed(new SnappyDecoder((data) => found.push(data)), bytes, size)
  return `${end} ${hexOf(found)}`
}

const SNAPPY_ID = '\u00ff\u0006\0\0sNaPpY'

/** Files of servers and clients that are imported, and what bridges to them read in pieces. */
export const npcParsers: readonly FuzzedParser[] = [
  file('nps clients', readNpsClients, [
    '{"Id":1,"VerifyKey":"k","Cnf":{"U":"","P":"","Compress":true,"Crypt":false},"Flow":null}\n*#*{"Id":2}\n*#*',
  ]),
  file('nps tunnels', readNpsTunnels, [
    '{"Id":1,"Port":80,"Mode":"tcp","Client":{"Id":1},"MultiAccount":{"AccountMap":{"a":"b"}}}\n*#*',
  ]),
  file('nps hosts', readNpsHosts, [
    '{"Id":1,"Host":"a","Target":{"TargetStr":"a:1","TargetArr":["a:1"]}}\n*#*',
  ]),
  { name: 'nps global', parse: readNpsGlobal, refusals, sample: ['{"BlackIpList":["a"],"ServerUrl":""}'] },
  ini('nps.conf', readNpsConf, ['bridge_port=8024\nallow_ports=1-2,3\n#a\n[b]\nip_limit=true\nlog_level=7']),
  ini('npc.conf', readNpcConf, [
    '[common]\nvkey=1\n[a]\nhost=b\nheader_X=y\n[c]\nmode=tcp\nserver_port=1-2\n[secret_d]\nlocal_port=1\n[health]\nhealth_check_type=tcp',
  ]),
  ini('nps accounts', readNpsAccounts, ['a=b\nc=d']),
  cut('npc mux in pieces', npcMux, [
    '\u0006\u0001\0\0\0\u0001\u0001\0\0\0\u0003\u0001\0\0\0\u0003\0abc\u0007\u0001\0\0\0',
    '\u0005\u0001\0\0\0\u0003\0\0\0\0\u0001\0\0\u0008\u00ff\u00ff\u00ff\u00ff\u0002\0ab',
  ]),
  cut('yamux in pieces', yamux, [
    '\0\u0001\0\u0001\0\0\0\u0001\0\0\0\0\0\0\0\u0004\0\0\0\u0001\0\0\0\u0003abc',
    '\0\u0002\0\u0001\0\0\0\0\0\0\0\u0007\0\u0003\0\0\0\0\0\0\0\0\0\0',
  ]),
  cut('snappy in pieces', snappy, [
    `${SNAPPY_ID}\u0001\u0009\0\0\u00bb\u001f\u001c\u0019hello`,
    `${SNAPPY_ID}\0\u000e\0\0\u0095\u00cf\u006b\u009f\u0050\u0004ab\u00fe\u0002\0\u0036\u0002\0`,
    `${SNAPPY_ID}\u00fe\u0002\0\0ab${SNAPPY_ID}`,
  ]),
]
