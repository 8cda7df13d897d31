// Shapes of end users as the admin sees them: who they are, their state, and for which providers they brought a key.
import { z } from 'zod'
import { pageOf, pageQuery } from './admin.ts'
import { onboardingStatus } from './onboarding.ts'

/** How far a user is in the six steps. */
export const userOnboarding = onboardingStatus.omit({ user_id: true })
export type UserOnboarding = z.infer<typeof userOnboarding>

export const userItem = z.strictObject({
  id: z.number().int().describe('of the client'),
  user_id: z.string().describe('`sub` of the user’s tokens'),
  issuer: z.string(),
  name: z.string(),
  email: z.string().nullable(),
  status: z.enum(['active', 'suspended']),
  shared_keys: z.boolean().describe('may call on the operator’s keys'),
  providers: z.array(z.string()).describe('providers that the user has an own key of'),
  onboarding: userOnboarding.nullable().describe('null: not begun'),
  created_at: z.iso.datetime().describe('when the first call came'),
  last_seen_at: z.iso
    .datetime()
    .nullable()
    .describe('null: not written yet; it is some seconds after a call'),
})
export type UserItem = z.infer<typeof userItem>

export const usersQuery = z.strictObject({
  ...pageQuery,
  q: z.string().trim().min(1).max(255).optional().describe('name, email or user_id, or its beginning'),
  status: z.enum(['active', 'suspended']).optional(),
})
export type UsersQuery = z.infer<typeof usersQuery>

export const keyMode = z
  .enum(['development', 'production'])
  .describe('where keys of users are read: ENV_FILE of this machine, or the database')
export const usersPage = pageOf(userItem).extend({ key_mode: keyMode })
export type UsersPage = z.infer<typeof usersPage>
