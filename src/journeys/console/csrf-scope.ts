/** What the token of a console form is bound to. */
export const csrfScope = (sessionHash: string): string => `admin:${sessionHash}`
