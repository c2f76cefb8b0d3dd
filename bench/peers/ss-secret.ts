const PASSWORD = 'correct-horse'
/** base64 of 16 and of 32 bytes. */
const KEY_16 = 'AAECAwQFBgcICQoLDA0ODw=='
const KEY_32 = 'AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8='

/** What every peer is given for a method: a password, or for one of 2022 the base64 of a key. */
export function secretOf(method: string): string {
  if (!method.startsWith('2022-')) return PASSWORD
  return method.includes('-128-') ? KEY_16 : KEY_32
}
