import { stat } from 'node:fs/promises'
import { TlsFiles, type TlsPaths } from '@sluice/net'
import { RecordError } from './store/record-error.ts'

/**
 * Whether a host could be served with these files, before anybody visits it.
 * @throws RecordError RECORD_VALUE that says which file is wrong and how
 */
export const checkCertificate = async ({ cert, key }: TlsPaths): Promise<void> => {
  try {
    // Reading a pipe or a device might never end.
    for (const path of [cert, key]) await checkFile(path)
    await TlsFiles.open({ paths: { cert, key } })
  } catch (cause) {
    throw new RecordError('RECORD_VALUE', `host: certFile: ${(cause as Error).message}`, { cause })
  }
}

const checkFile = async (path: string): Promise<void> => {
  // What is not there is told with all else that cannot be read.
  const found = await stat(path).catch(() => undefined)
  if (found !== undefined && !found.isFile()) throw new RangeError(`${path} is no file`)
}
