/* Takes comments, indentation and empty lines out of JavaScript. Lines stay lines, so that what
 * a line end means to the language stays too. */
'use strict';

/* A / after one of these begins a regular expression; after a name, a number or a closing
 * bracket it divides. */
const BEFORE_REGEX = /(?:^|[=(,:;!&|?{}[\]+\-*%~^<>]|\b(?:return|typeof|case|in|of|do|else|void|delete|throw|new|instanceof))\s*$/;

/* What begins at `i` and is taken as it stands: its end. */
function literalEnd(s, i) {
	const quote = s[i];
	let inClass = false;
	for (let j = i + 1; j < s.length; j++) {
		if (s[j] === '\\')
			j++;
		else if (quote === '/' && s[j] === '[')
			inClass = true;
		else if (quote === '/' && s[j] === ']')
			inClass = false;
		else if (quote === '`' && s[j] === '$' && s[j + 1] === '{')
			j = templateEnd(s, j + 2);
		else if (s[j] === quote && !inClass)
			return j + 1;
	}
	throw new Error('a literal without end: ' + s.slice(i, i + 40));
}

/* The } that ends ${ in a template. */
function templateEnd(s, i) {
	for (let depth = 1; i < s.length; i++) {
		if (s[i] === '\'' || s[i] === '"' || s[i] === '`')
			i = literalEnd(s, i) - 1;
		else if (s[i] === '{')
			depth++;
		else if (s[i] === '}' && !--depth)
			return i;
	}
	throw new Error('a template without end');
}

/* Code without literals: no indentation, one blank where there were several. */
const tighten = (code) => code.replace(/[ \t]+/g, ' ').replace(/\s*\n\s*/g, '\n').replace(/ ?([=(){},:;?&|<>!*]) ?/g, '$1');

function squeeze(s) {
	let out = '', code = '', i = 0;
	const flush = () => { out += tighten(code); code = ''; };
	while (i < s.length) {
		const two = s.slice(i, i + 2);
		if (two === '//') {
			const end = s.indexOf('\n', i);
			i = end < 0 ? s.length : end;
		} else if (two === '/*') {
			const end = s.indexOf('*/', i) + 2;
			code += s.slice(i, end).includes('\n') ? '\n' : ' ';
			i = end;
		} else if (s[i] === '\'' || s[i] === '"' || s[i] === '`' || s[i] === '/' && BEFORE_REGEX.test(out.slice(-12) + code.slice(-80))) {
			const end = literalEnd(s, i);
			flush();
			out += s.slice(i, end);
			i = end;
		} else {
			code += s[i++];
		}
	}
	flush();
	return out.trim();
}

module.exports = { squeeze };
