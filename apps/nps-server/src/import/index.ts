export { importCommand, type ImportIo } from './import-command.ts'
