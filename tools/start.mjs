// `npm start`: bundles tools/start-program.ts with every app it names, and runs the bundle in this very process, so
// that signals, flags and the terminal are the program's own. Syntax and order are such that a Node that is too old
// gets one line from require-node.mjs and nothing else.
const OUTDIR = new URL('../node_modules/.cache/sluice/start/', import.meta.url)

async function start() {
  await import('./require-node.mjs')
  const { fileURLToPath } = await import('node:url')
  const { bundle } = await import('./bundle.mjs')
  await bundle(fileURLToPath(new URL('start-program.ts', import.meta.url)), fileURLToPath(OUTDIR))
  await import(new URL('program.mjs', OUTDIR).href)
}

start().catch((error) => {
  if (error.code === 'ERR_MODULE_NOT_FOUND') console.error(error.message + '\nRun `npm ci` first.')
  else console.error(error)
  process.exit(1)
})
