// Door of the words that server, console, agent and tests share. It imports nothing of ours.
export * from './admin.ts'
export * from './clients.ts'
export * from './devices.ts'
export * from './errors.ts'
export * from './paths.ts'
