import { showText } from '../domain/plain-text.ts'

/** A line for a person at a terminal: nothing in it controls the terminal or hides. JSON stays as it is. */
export function printLine (line: string): void {
  console.log(/^[{[]/.test(line) ? line : showText(line))
}
