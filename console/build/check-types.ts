// Runs vue-tsc on this workspace's own TypeScript: at the root stands version 7, which has no API for it.
import { createRequire } from 'node:module'
import { run } from 'vue-tsc'

run(createRequire(import.meta.url).resolve('typescript/lib/tsc'))
