// For programs with a database of their own beside the store's. Its types are those of better-sqlite3: @types/better-sqlite3 has them.
export { climb } from './sqlite-migrations.ts'
export { openDatabase } from './sqlite-open.ts'
