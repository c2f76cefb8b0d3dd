// Property tests look elsewhere in each run, unless one is to be as another was.
const { TEST_SEED: seed } = process.env
if (seed !== undefined) {
  const { configureGlobal } = await import('fast-check')
  configureGlobal({ seed: Number(seed) })
}
