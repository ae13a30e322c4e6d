/* The keys of a telephone, for the number and for digits in a call. */
import { el } from './dom.js';

const KEYS = [['1', ''], ['2', 'abc'], ['3', 'def'], ['4', 'ghi'], ['5', 'jkl'], ['6', 'mno'], ['7', 'pqrs'], ['8', 'tuv'], ['9', 'wxyz'],
	['*', ''], ['0', '+'], ['#', '']];
const NAMES = { '*': 'star', '#': 'hash' };

export const DIGITS = /^[0-9*#]$/;

export function fillPad(node, press) {
	for (const [digit, letters] of KEYS)
		node.append(el('button', { type: 'button', 'aria-label': NAMES[digit] || digit, onclick: () => press(digit) },
			digit, el('small', { 'aria-hidden': 'true' }, letters)));
}
