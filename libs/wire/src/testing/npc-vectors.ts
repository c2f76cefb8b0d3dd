// Bytes worked out by hand from the layout, never by the encoders that they are compared with.
import type { NpcFrame, NpcHello, NpcPurpose, NpcReport, NpcSignal } from '../npc/index.ts'
import { hex } from './hex.ts'

/** Bytes as spaced hex, beside their value. */
export type Known<T> = readonly (readonly [bytes: string, value: T])[]

/** The MD5 of `0.26.0`, of `123` and of nothing. */
const CORE_MD5 = '89a4f3fc3c89257d6f712de6964bda8e'
export const KEY_MD5: string = '202cb962ac59075b964b07152d234b70'
const EMPTY_MD5 = 'd41d8cd98f00b204e9800998ecf8427e'

export const hellos: Known<NpcHello> = [
  [
    '54 53 54 06 00 00 00 30 2e 32 36 2e 30 07 00 00 00 30 2e 32 36 2e 31 30',
    { core: '0.26.0', release: '0.26.10' },
  ],
  ['"TST" 00 00 00 00 00 00 00 00', { core: '', release: '' }],
  [`"TST" 80 00 00 00 "${'a'.repeat(128)}" 02 00 00 00 c3 a9`, { core: 'a'.repeat(128), release: 'é' }],
]

export const md5s: Known<string> = [
  [`"${CORE_MD5}"`, CORE_MD5],
  [`"${KEY_MD5}"`, KEY_MD5],
]

export const verdicts: Known<boolean> = [
  ['73 75 63 73', true],
  ['76 6b 65 79', false],
]

export const purposes: Known<NpcPurpose> = [
  ['6d 61 69 6e', { type: 'main' }],
  ['"chan"', { type: 'chan' }],
  ['"file"', { type: 'file' }],
  ['"conf"', { type: 'conf' }],
  ['72 67 73 74 18 00 00 00', { type: 'register', hours: 24 }],
  ['"rgst" ff ff ff 7f', { type: 'register', hours: 2_147_483_647 }],
  [`"sert" "${KEY_MD5}"`, { type: 'secret', passwordMd5: KEY_MD5 }],
  [`"p2pm" "${EMPTY_MD5}"`, { type: 'p2p', passwordMd5: EMPTY_MD5 }],
]

export const signals: Known<NpcSignal> = [
  ['72 6c 69 70', { type: 'localIp' }],
  [
    `75 64 70 63 0e 00 00 00 "192.0.2.1:6000" 20 00 00 00 "${KEY_MD5}"`,
    { type: 'p2p', server: '192.0.2.1:6000', passwordMd5: KEY_MD5 },
  ],
]

export const reports: Known<NpcReport> = [
  ['13 00 00 00 "127.0.0.1:80*#*1*#*"', { type: 'health', target: '127.0.0.1:80', isUp: true }],
  ['0f 00 00 00 "[::1]:80*#*0*#*"', { type: 'health', target: '[::1]:80', isUp: false }],
  ['08 00 00 00 "10.0.0.5"', { type: 'text', text: '10.0.0.5' }],
  ['00 00 00 00', { type: 'text', text: '' }],
]

export const npcFrames: Known<NpcFrame> = [
  ['06 01 00 00 00', { type: 'open', id: 1 }],
  ['01 04 03 02 01', { type: 'opened', id: 0x01020304 }],
  ['02 ff ff ff 7f', { type: 'refused', id: 2_147_483_647 }],
  ['07 00 01 00 00', { type: 'close', id: 256 }],
  ['03 01 00 00 00 05 00 68 65 6c 6c 6f', { type: 'data', id: 1, payload: hex('"hello"'), isEnd: true }],
  ['04 02 00 00 00 01 00 61', { type: 'data', id: 2, payload: hex('61'), isEnd: false }],
  [
    `03 01 00 00 00 f5 0f "${'x'.repeat(4085)}"`,
    { type: 'data', id: 1, payload: hex(`"${'x'.repeat(4085)}"`), isEnd: true },
  ],
  ['05 01 00 00 00 03 00 00 00 b6 de 01 00', { type: 'window', id: 1, read: 3, max: 122_550 }],
  [
    '05 07 00 00 00 ff ff ff 7f ff ff ff 7f',
    { type: 'window', id: 7, read: 2_147_483_647, max: 2_147_483_647 },
  ],
  [
    '00 ff ff ff ff 1e 00 "2026-11-21T20:00:00.123456789Z"',
    { type: 'ping', opaque: hex('"2026-11-21T20:00:00.123456789Z"') },
  ],
  ['08 ff ff ff ff 01 00 5a', { type: 'pong', opaque: hex('5a') }],
]
