import { createHash } from 'node:crypto'

/**
 * Hex SHA-256 of the MD5 hex text of a vkey or password: npc shows that MD5, so nothing better than what can be made of it can
 * be kept. vkeys that were made here have 128 random bits, so nobody can try them one by one.
 */
export const npcHash = (secret: string): string => hashOfMd5(createHash('md5').update(secret).digest('hex'))

/** As `npcHash`, of what npc shows. @param md5 in hex */
export const hashOfMd5 = (md5: string): string => createHash('sha256').update(md5).digest('hex')
