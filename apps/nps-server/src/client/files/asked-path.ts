/** What a request asks for below a folder. */
export interface AskedPath {
  /** Names of folders and at last of a file or folder; none is empty or begins with a dot. */
  readonly names: readonly string[]
  /** It ends with a slash. */
  readonly isFolder: boolean
  /** Where it is as a folder, in the words of a URL. */
  readonly asFolder: string
}

const ABSOLUTE = /^https?:\/\/[^/?#]*/i
/** `\` separates names on some systems. */
const BARRED = /[\\\0]/

/**
 * @param target of a request: a path, or a whole URL (RFC 9112 §3.2)
 * @param strip what stands in front of paths and is no part of them; where it does not, they lead nowhere
 * @returns undefined where it leads nowhere: `..`, whatever else begins with a dot, escapes that are none
 */
export const askedPath = (target: string, strip: string): AskedPath | undefined => {
  const path = unescaped(target.replace(ABSOLUTE, '').replace(/[?#].*$/su, ''))
  if (path === undefined) return undefined
  const all = namesOf(path)
  const front = namesOf(strip)
  if (!front.every((name, nth) => all[nth] === name)) return undefined
  const names = shownNames(all.slice(front.length).join('/'))
  const isFolder = path === '' || path.endsWith('/')
  return names && { names, isFolder, asFolder: ['', ...all.map(encodeURIComponent), ''].join('/') }
}

/** @returns undefined where one of them may not be seen, or is none */
export const shownNames = (path: string): readonly string[] | undefined => {
  const names = namesOf(path)
  return BARRED.test(path) || names.some((name) => name.startsWith('.')) ? undefined : names
}

const namesOf = (path: string): readonly string[] => path.split('/').filter((name) => name !== '')

const unescaped = (path: string): string | undefined => {
  try {
    return decodeURIComponent(path)
  } catch {
    return undefined
  }
}
