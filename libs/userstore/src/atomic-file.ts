import { randomUUID } from 'node:crypto'
import {
  closeSync,
  fchmodSync,
  fchownSync,
  fsyncSync,
  openSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
  type Stats,
} from 'node:fs'
import { dirname } from 'node:path'

/** A text that is another whenever the file is; undefined where there is none. Sees what no file watch tells, as on network drives. */
export function fileStamp(file: string): string | undefined {
  const stat = statSync(file, { bigint: true, throwIfNoEntry: false })
  return stat && [stat.dev, stat.ino, stat.size, stat.mtimeNs, stat.ctimeNs].join(' ')
}

/** Puts `text` in the file's place in one step, on disk when it returns; owner and mode stay (a new file: 0600). Blocks. */
export function replaceFile(file: string, text: string): void {
  const old = statSync(file, { throwIfNoEntry: false })
  const target = old === undefined ? file : realpathSync(file)
  const draft = `${target}.${randomUUID()}.tmp`
  try {
    writeDraft(draft, text, old)
    renameSync(draft, target)
  } catch (error) {
    rmSync(draft, { force: true })
    throw error
  }
  withFile(dirname(target), 'r', fsyncSync)
}

function writeDraft(draft: string, text: string, old: Stats | undefined): void {
  withFile(draft, 'wx', (descriptor) => {
    writeFileSync(descriptor, text)
    if (old !== undefined) keepOwner(descriptor, old)
    fsyncSync(descriptor)
  })
}

function keepOwner(descriptor: number, old: Stats): void {
  fchmodSync(descriptor, old.mode & 0o777)
  try {
    fchownSync(descriptor, old.uid, old.gid)
  } catch {
    // Only root may give a file away; for everyone else it is theirs, as any file they save.
  }
}

function withFile(file: string, flags: string, use: (descriptor: number) => void): void {
  const descriptor = openSync(file, flags, 0o600)
  try {
    use(descriptor)
  } finally {
    closeSync(descriptor)
  }
}
