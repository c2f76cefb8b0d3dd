import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { askedPath, shownNames } from './asked-path.ts'

describe('what a request asks for', () => {
  it.each([
    ['/', '', [], true],
    ['/a', '', ['a'], false],
    ['/a/b%20c/?d=/e/#f', '', ['a', 'b c'], true],
    ['//a///b', '', ['a', 'b'], false],
    ['http://example.org/a', '', ['a'], false],
    ['http://example.org', '', [], true],
    ['http://example.org?a/b', '', [], true],
    ['/files/a', '/files', ['a'], false],
    ['/files/a', 'files/', ['a'], false],
    ['/files', '/files', [], false],
    ['/my%20files/', '/my files', [], true],
    ['/a%3Fb', '', ['a?b'], false],
  ] as const)('%s without %j', (target, strip, names, isFolder) => {
    expect(askedPath(target, strip)).toMatchObject({ names, isFolder })
  })

  it.each([
    '/..',
    '/../etc/passwd',
    '/a/../../b',
    '/%2e%2e/etc/passwd',
    '/%2E./etc',
    '/..%2fetc',
    '/..%5cetc',
    '/a\\..\\b',
    '/a%5Cb',
    '/%00',
    '/a%00.txt',
    '/./a',
    '/.git/config',
    '/a/.env',
    '/%2eenv',
    '/%',
    '/%zz',
    '/%c0%ae%c0%ae/etc',
    'http://example.org/../a',
  ])('%s leads nowhere', (target) => {
    expect(askedPath(target, '')).toBeUndefined()
  })

  it.each(['/', '/file', '/filesa', '/b/files/a', '/files/../x'])(
    '%s leads nowhere without /files',
    (target) => {
      expect(askedPath(target, '/files')).toBeUndefined()
    },
  )

  it('says where it is as a folder, on no other host', () => {
    expect(askedPath('/files/a b%3f', '/files')?.asFolder).toBe('/files/a%20b%3F/')
    expect(askedPath('//evil.example/a', '')?.asFolder).toBe('/evil.example/a/')
    expect(askedPath('/', '')?.asFolder).toBe('//'.slice(1))
  })

  it('never has a name that could lead out', () => {
    const part = fc.constantFrom('/', '..', '.', '%2e', '%2f', '%5c', '\\', '%00', 'a', '?', '#', 'http://')
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.array(part).map((parts) => parts.join('')),
        ),
        (target) => {
          for (const names of [askedPath(target, '')?.names, shownNames(target)]) {
            for (const name of names ?? []) expect(name).toMatch(/^[^./\\\0][^/\\\0]*$/su)
          }
        },
      ),
    )
  })
})
