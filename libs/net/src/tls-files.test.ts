import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createAuthority, type Identity } from './testing/certificates.ts'
import { TlsFiles, type TlsPaths } from './tls-files.ts'

const authority = createAuthority()
let folder: string
let paths: TlsPaths
const told: string[] = []

const put = ({ cert, key }: Identity): void => {
  writeFileSync(paths.cert, cert)
  writeFileSync(paths.key, key)
}
const open = (more: Partial<TlsPaths> = {}): Promise<TlsFiles> =>
  TlsFiles.open({
    paths: { ...paths, ...more },
    onChange: () => told.push('changed'),
    onError: ({ message }) => told.push(message),
  })

beforeEach(() => {
  told.length = 0
  folder = mkdtempSync(join(tmpdir(), 'tls-files-'))
  paths = { cert: join(folder, 'cert.pem'), key: join(folder, 'key.pem') }
  put(authority.issue('localhost'))
})
afterEach(() => rmSync(folder, { recursive: true }))

describe('TlsFiles', () => {
  it('asks clients for a certificate where it is told to, also once the files are others', async () => {
    expect((await open()).context.asksClientCert).toBe(false)
    const files = await open({ asksClientCert: true })
    put(authority.issue('localhost'))
    ;(await files.prepare())()
    expect(files.context.asksClientCert).toBe(true)
  })

  it('says which file it cannot read, or use', async () => {
    await expect(open({ cert: join(folder, 'none') })).rejects.toThrow(`cannot read ${folder}/none (ENOENT)`)
    await expect(open({ key: folder })).rejects.toThrow(`cannot read ${folder} (EISDIR)`)
    writeFileSync(paths.key, authority.key)
    await expect(open()).rejects.toThrow(`${paths.key}: the key does not belong to the certificate`)
    writeFileSync(paths.key, Buffer.alloc(1024 * 1024 + 1))
    await expect(open()).rejects.toThrow('larger than 1 MiB')
  })

  it('takes over a new pair when it has changed, and not before', async () => {
    const files = await open({ clientCa: paths.cert })
    const { context } = files
    expect(context.wantsClientCert).toBe(true)
    await files.poll()
    expect([files.context === context, told]).toEqual([true, []])
    put(authority.issue('localhost'))
    await files.poll()
    await files.poll()
    expect([files.context === context, told]).toEqual([false, ['changed']])
    const takeOver = await files.prepare()
    expect(told).toEqual(['changed'])
    takeOver()
    expect(told).toEqual(['changed', 'changed'])
    rmSync(paths.key)
    await expect(files.prepare()).rejects.toThrow(`cannot read ${paths.key} (ENOENT)`)
  })

  it('sees a change that was prepared and not taken over', async () => {
    const files = await open()
    const { context } = files
    put(authority.issue('localhost'))
    await files.prepare()
    await files.poll()
    expect([files.context === context, told]).toEqual([false, ['changed']])
    expect(files.credentials).toMatchObject({ cert: readFileSync(paths.cert, 'latin1') })
  })

  it('keeps what it has while the files are of no use, and says so once', async () => {
    const files = await open()
    const { context } = files
    const next = authority.issue('localhost')
    writeFileSync(paths.cert, next.cert)
    await files.poll()
    await files.poll()
    rmSync(paths.key)
    await files.poll()
    expect(told).toEqual([
      `${paths.cert}, ${paths.key}: the key does not belong to the certificate`,
      `cannot read ${paths.key} (ENOENT)`,
    ])
    expect(files.context).toBe(context)
    writeFileSync(paths.key, next.key)
    await Promise.all([files.poll(), files.poll()])
    expect([files.context === context, told.length]).toEqual([false, 3])
  })
})
