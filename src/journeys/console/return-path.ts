/** A path of the console to return to; anything else is its first page. */
export const returnPath = (value: unknown): string =>
  typeof value === 'string' &&
  value.length < 500 &&
  /^\/admin(\/(?!\.{1,2}(\/|\?|$))([\w.~-]|%(?!2[ef]|5c)[\da-f]{2})+)*(\?[\w.~%&=+:-]*)?$/i.test(value)
    ? value
    : '/admin'
