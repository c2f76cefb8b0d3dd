export const EXTERNAL: readonly string[]
export function bundle(entry: string, outdir: string): Promise<void>
export function bundleBrowser(entry: string, outfile: string): Promise<void>
