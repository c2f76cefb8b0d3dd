const UNRESERVED = /%(?:2[DE]|3\d|4[1-9A-F]|5[0-9AF]|6[1-9A-F]|7[0-9AE])/gi
const UNUSUAL = /%|\/\.|\/\//

/**
 * The path by which a request is matched with locations: without its query, and spelt as a target may read it (RFC 3986 §6.2.2), so
 * that no other spelling leads past a location. What the target gets stays as it came.
 */
export const matchedPath = (path: string): string => {
  const query = path.indexOf('?')
  const plain = query < 0 ? path : path.slice(0, query)
  return UNUSUAL.test(plain) ? normalised(plain) : plain
}

const normalised = (path: string): string => {
  const decoded = path.replaceAll(UNRESERVED, decodeURIComponent)
  const out: string[] = []
  const segments = decoded.split('/')
  for (const segment of segments.slice(1)) {
    if (segment === '..') out.pop()
    else if (segment !== '.' && segment !== '') out.push(segment)
  }
  const isFolder = ['', '.', '..'].includes(segments.at(-1)!) && out.length > 0
  return `/${out.join('/')}${isFolder ? '/' : ''}`
}
