/** Bytes of spaced hex; a text in double quotes stands for its Latin-1 bytes: `05 01 "abc" 00`. Backslashes as in JSON. */
export function hex(text: string): Uint8Array {
  const bytes: number[] = []
  for (const [token] of text.matchAll(/"(?:[^"\\]|\\.)*"|\S+/g)) {
    if (!token.startsWith('"')) bytes.push(Number.parseInt(token, 16))
    else for (const char of String(JSON.parse(token))) bytes.push(char.charCodeAt(0))
  }
  return Uint8Array.from(bytes)
}

/** The UTF-8 bytes of a text. */
export function utf8(text: string): Uint8Array {
  return new TextEncoder().encode(text)
}
