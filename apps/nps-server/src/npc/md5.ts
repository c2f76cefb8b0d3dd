import { createHash } from 'node:crypto'

/** Lower-case hexadecimal, as keys and passwords go over the wire. */
export const md5Of = (text: string): string => createHash('md5').update(text).digest('hex')
