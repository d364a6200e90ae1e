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
      }]
    }
  }
]
