import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Authority, createAuthority } from '@sluice/net/testing'
import type { Directory } from '@sluice/service'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { NewHost } from '../records.ts'
import type { LiveHost } from '../registry.ts'
import { FakeRegistry } from '../testing/fake-registry.ts'
import type { Issuer } from './acme-issuer.ts'
import { AutoCertificates } from './auto-certificates.ts'
import { CertificateFiles, type Issued } from './certificate-files.ts'

const NOW = Date.UTC(2026, 0, 1)
const MINUTE_MS = 60_000
const quiet = { info: () => {}, warn: () => {} }

/** Gives certificates when the test says so. */
class FakeIssuer implements Issuer {
  readonly asked: { readonly name: string; readonly answer: PromiseWithResolvers<Issued> }[] = []

  issue(name: string): Promise<Issued> {
    const answer = Promise.withResolvers<Issued>()
    this.asked.push({ name, answer })
    return answer.promise
  }

  get names(): string[] {
    return this.asked.map(({ name }) => name)
  }
}

/** Lets promises settle, and timers that are due run. */
const settled = (ms = 0): Promise<unknown> => vi.advanceTimersByTimeAsync(ms)

describe('certificates by ACME', () => {
  let folder: string
  let authority: Authority
  let registry: FakeRegistry
  let issuer: FakeIssuer
  let certificates: AutoCertificates | undefined
  beforeEach(() => {
    vi.useFakeTimers({ now: NOW })
    folder = mkdtempSync(join(tmpdir(), 'nps-acme-'))
    authority = createAuthority()
    registry = new FakeRegistry({} as Directory)
    issuer = new FakeIssuer()
  })
  afterEach(() => {
    certificates?.stop()
    registry.close()
    vi.useRealTimers()
    rmSync(folder, { recursive: true })
  })

  const begin = ({ agreed = true } = {}): CertificateFiles => {
    const files = new CertificateFiles(folder)
    certificates = new AutoCertificates({
      registry,
      files,
      issuer: agreed ? issuer : undefined,
      log: quiet,
      random: () => 0,
    })
    certificates.start()
    return files
  }

  const addHost = (host: string, fields: Partial<NewHost> = {}): LiveHost =>
    registry.addHost(registry.addClient(), { host, autoCert: true, ...fields })

  const issued = (name: string): Issued => {
    const { cert, key } = authority.issue(name)
    return { chain: cert, key }
  }

  const give = async (nth: number): Promise<void> => {
    const { name, answer } = issuer.asked[nth]!
    answer.resolve(issued(name))
    await settled()
  }

  const refuse = async (nth: number, why: string): Promise<void> => {
    issuer.asked[nth]!.answer.reject(new Error(why))
    await settled()
  }

  it('are asked for one after the other, once for each name that wants one', async () => {
    addHost('a.example')
    addHost('a.example', { location: '/api' })
    addHost('b.example')
    addHost('c.example', { autoCert: false })
    addHost('d.example', { enabled: false })
    const files = begin()
    expect(files.pathsOf('a.example')).toBeUndefined()
    await settled()
    expect(issuer.names).toEqual(['a.example'])
    await give(0)
    expect(issuer.names).toEqual(['a.example', 'b.example'])
    await give(1)
    await settled(24 * 60 * MINUTE_MS)
    expect(issuer.names).toEqual(['a.example', 'b.example'])
    const { cert, key } = files.pathsOf('a.example')!
    expect(cert).toBe(key)
    expect(statSync(cert).mode & 0o777).toBe(0o600)
    expect(files.pathsOf('c.example')).toBeUndefined()
  })

  it('are asked for when a host comes, and not where it has gone before its turn', async () => {
    begin()
    addHost('a.example')
    const b = addHost('b.example')
    expect(issuer.names).toEqual(['a.example'])
    registry.hosts.delete(b.record.id)
    registry.tell()
    await give(0)
    expect(issuer.names).toEqual(['a.example'])
  })

  it('are asked for again with growing pauses where they are refused, and the host says why', async () => {
    const host = addHost('a.example')
    begin()
    await refuse(0, 'no such\nname')
    expect(host.problem).toBe('no certificate: no such name; next try 2026-01-01T00:05Z')
    await settled(5 * MINUTE_MS - 1)
    expect(issuer.names).toHaveLength(1)
    await settled(1)
    expect(issuer.names).toHaveLength(2)
    await refuse(1, 'again')
    expect(host.problem).toContain('again; next try 2026-01-01T00:15Z')
    for (let nth = 2; nth < 12; nth++) {
      await settled(12 * 60 * MINUTE_MS)
      expect(issuer.names).toHaveLength(nth + 1)
      await refuse(nth, 'again')
    }
    await settled(12 * 60 * MINUTE_MS)
    await give(12)
    expect(host.problem).toBeUndefined()
  })

  it('do not wait for a name that is refused', async () => {
    addHost('a.example')
    addHost('b.example')
    begin()
    await refuse(0, 'no')
    expect(issuer.names).toEqual(['a.example', 'b.example'])
    await give(1)
  })

  it('that are there are shown, and renewed when two thirds of their life are over', async () => {
    // It is good from 2020 to 2120.
    new CertificateFiles(folder).put('a.example', issued('a.example'))
    const host = addHost('a.example')
    const files = begin()
    expect(files.pathsOf('a.example')).toBeDefined()
    await settled(60 * MINUTE_MS)
    expect(issuer.names).toEqual([])
    vi.setSystemTime(Date.UTC(2086, 7, 1))
    await settled(60 * MINUTE_MS)
    expect(issuer.names).toEqual([])
    vi.setSystemTime(Date.UTC(2086, 8, 1))
    await settled(60 * MINUTE_MS)
    expect(issuer.names).toEqual(['a.example'])
    const before = readFileSync(files.pathsOf('a.example')!.cert, 'latin1')
    await refuse(0, 'busy')
    expect(host.problem).toContain('busy')
    expect(readFileSync(files.pathsOf('a.example')!.cert, 'latin1')).toBe(before)
    await settled(5 * MINUTE_MS)
    await give(1)
    expect(readFileSync(files.pathsOf('a.example')!.cert, 'latin1')).not.toBe(before)
  })

  it('that are over, or are none, are asked for at once', async () => {
    const { cert: chain, key } = authority.expired('a.example')
    new CertificateFiles(folder).put('a.example', { chain, key })
    writeFileSync(join(folder, 'b.example.pem'), 'none')
    addHost('a.example')
    addHost('b.example')
    begin()
    await give(0)
    await give(1)
    expect(issuer.names.toSorted()).toEqual(['a.example', 'b.example'])
  })

  it('of no use replace none that is', async () => {
    const { cert: chain, key } = authority.expired('a.example')
    const host = addHost('a.example')
    const files = begin()
    files.put('a.example', { chain, key })
    issuer.asked[0]!.answer.resolve({ chain, key: issued('a.example').key })
    await settled()
    expect(host.problem).toContain('the key does not belong to the certificate')
    expect(readFileSync(join(folder, 'a.example.pem'), 'latin1')).toContain(key.trim())
  })

  it('are asked of nobody unless terms are agreed to, which the host says', async () => {
    const host = addHost('a.example')
    begin({ agreed: false })
    await settled(60 * MINUTE_MS)
    expect(host.problem).toContain('--acme-agree')
    registry.patch(host, { autoCert: false })
    registry.tell()
    expect(host.problem).toBeUndefined()
  })

  it('are asked for no more once it has stopped', async () => {
    addHost('a.example')
    addHost('b.example')
    begin()
    certificates!.stop()
    await give(0)
    await settled(60 * MINUTE_MS)
    expect(issuer.names).toEqual(['a.example'])
  })
})
