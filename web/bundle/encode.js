/* Bytes as a string of plain ASCII that compresses as well as the bytes do: the 91 most frequent
 * ones are a letter each, the others one of two marks and a letter. Base64 would hide from the
 * compressor what repeats, and letters beyond ASCII would depend on the page's charset. */
'use strict';

const FIRST = 0x20, LAST = 0x7e;
const MARKS = ['~', '}'];
const LETTERS = Array.from({ length: LAST - FIRST + 1 }, (x, i) => String.fromCharCode(FIRST + i))
	.filter((c) => c !== '\'' && c !== '\\' && !MARKS.includes(c));

/* The most frequent byte first. */
function rank(bytes) {
	const count = new Array(256).fill(0);
	for (const b of bytes)
		count[b]++;
	return count.map((n, b) => b).sort((a, b) => count[b] - count[a] || a - b);
}

/* An expression of JavaScript: a function that gives the bytes. */
function encode(bytes) {
	const n = LETTERS.length, order = rank(bytes), code = [];
	order.forEach((b, i) => { code[b] = i < n ? LETTERS[i] : MARKS[Math.floor(i / n) - 1] + LETTERS[i % n]; });
	const text = Array.from(bytes, (b) => code[b]).join('');
	return `function(){
var order=[${order.join(',')}],letters=${JSON.stringify(LETTERS.join(''))},text='${text}',out=new Uint8Array(${bytes.length}),at={},n=0,base=0,i;
for(i=0;i<letters.length;i++)at[letters[i]]=i;
for(i=0;i<text.length;i++){if(text[i]==='${MARKS[0]}')base=${n};else if(text[i]==='${MARKS[1]}')base=${2 * n};
else{out[n++]=order[base+at[text[i]]];base=0}}
return out}`;
}

module.exports = { encode };
