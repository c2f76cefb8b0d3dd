import type { Decode } from './decode.ts'

const PREFACE = new TextEncoder().encode('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')

/** Whether a conn begins as HTTP/2 does (RFC 9113 §3.4). It takes nothing of it: `size` is 0. */
export const isHttp2Preface: Decode<boolean> = (bytes) => {
  const size = Math.min(bytes.length, PREFACE.length)
  for (let at = 0; at < size; at += 1) {
    if (bytes[at] !== PREFACE[at]) return { value: false, size: 0 }
  }
  return size < PREFACE.length ? undefined : { value: true, size: 0 }
}
