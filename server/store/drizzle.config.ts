// Where the migration generator finds the tables; `npm run migration` writes the next file after a schema change.
import { defineConfig } from 'drizzle-kit'

export default defineConfig({
  dialect: 'postgresql',
  schema: './server/*/*-schema.ts',
  out: './server/store/migrations',
})
