// Bytes worked out by hand from the layout, never by the encoders that they are compared with.
import type { NpcHello, NpcPurpose, NpcReport, NpcSignal } from '../npc/index.ts'

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
