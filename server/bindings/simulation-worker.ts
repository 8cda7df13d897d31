// Tells histories in a thread of its own: the test runner follows every promise of its thread, which takes longer than they do.
import { parentPort, workerData } from 'node:worker_threads'
import { tellHistory } from './simulation-history.ts'

const seeds = workerData as readonly number[]
for (const seed of seeds) await tellHistory(seed)
parentPort?.postMessage(seeds.length)
