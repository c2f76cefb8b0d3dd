import type { Decode } from '@sluice/wire'

/** How a client of HTTP/2 begins who knows that it is spoken here (RFC 9113 §3.4); no request of HTTP/1 does. */
const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')

/** Whether it is that preface; all of it stays unread. */
export const isPreface: Decode<boolean> = (bytes) => {
  const length = Math.min(bytes.length, PREFACE.length)
  const isBegun = PREFACE.compare(bytes, 0, length, 0, length) === 0
  if (isBegun && length < PREFACE.length) return undefined
  return { value: isBegun, size: 0 }
}
