import neostandard from 'neostandard'

export default [
  ...neostandard({ ts: true, ignores: ['node_modules', '.tap', 'data', 'views/assets'] }),
  {
    rules: {
      // a template's text and a regular expression cannot be broken without changing them
      '@stylistic/max-len': ['error', {
        code: 120,
        ignoreUrls: true,
        ignoreTemplateLiterals: true,
        ignoreRegExpLiterals: true
      }]
    }
  },
  {
    // what a library's types leave out has types of its own in src/oidc/overrides
    files: ['src/**/*.ts'],
    rules: {
      '@typescript-eslint/no-explicit-any': 'error',
      'no-restricted-syntax': ['error', {
        selector: 'TSAsExpression > TSNeverKeyword',
        message: 'Say what it is: `as never` fits everywhere.'
      }],
      // a call says which value is which
      'max-params': ['error', { max: 3 }]
    }
  },
  {
    // members of interfaces with one meaning a position, and functions that a library calls
    files: [
      'src/database/field-crypto.ts',
      'src/domain/client/faults.ts',
      'src/http/page-error.ts',
      'src/http/rendering.ts',
      'src/http/request.ts',
      'src/journeys/console/people/people-acts.ts',
      'src/journeys/developers/snippets/template.ts',
      'src/journeys/registration/review.ts',
      'src/journeys/support/resets.ts',
      'src/journeys/support/sessions.ts',
      'src/journeys/user-center/agents/approve.ts',
      'src/journeys/user-center/organization-password.ts',
      'src/oidc/device-flow.ts',
      'src/oidc/request-objects.ts',
      'src/records/challenges/picture.ts',
      'src/records/face-checks/verdict.ts',
      'src/records/keys/lifecycle.ts',
      'src/records/organizations/delegations/transition.ts'
    ],
    rules: { 'max-params': 'off' }
  }
]
