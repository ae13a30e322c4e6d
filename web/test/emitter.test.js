/* SIP.EventEmitter, and the logger. */
'use strict';
const { test } = require('node:test'), assert = require('node:assert').strict;
const { EventEmitter, LoggerFactory } = require('../src/index.js');

test('listeners are called in order, with the emitter as this, and can be taken away', () => {
	const e = new EventEmitter(), seen = [];
	const second = function (...args) { seen.push(['second', this === e, ...args]); };

	assert.equal(e.on('x', (a) => seen.push(['first', a])), e);
	assert.equal(e.addListener('x', second), e);
	assert.equal(e.emit('x', 1, 2), true);
	assert.equal(e.removeListener('x', second), e);
	assert.equal(e.emit('y'), false);
	e.emit('x', 3);
	assert.deepEqual(seen, [['first', 1], ['second', true, 1, 2], ['first', 3]]);
	assert.equal(e.listenerCount('x'), 1);
	assert.equal(e.listeners('x').length, 1);
	assert.deepEqual(e.listeners('nothing'), []);
});

test('once is once, and can be removed by its function, by off too', () => {
	const e = new EventEmitter();
	let n = 0;
	const count = () => n++;

	e.once('x', count);
	e.emit('x');
	e.emit('x');
	e.once('x', count).off('x', count);
	e.emit('x');
	assert.equal(n, 1);
	/* Also when the event happens again before it is this listener's turn. */
	let again = true;
	e.on('y', () => {
		if (again) {
			again = false;
			e.emit('y');
		}
	});
	e.once('y', count);
	e.emit('y');
	assert.equal(n, 2);
});

test('a listener that is removed during an event still hears this one', () => {
	const e = new EventEmitter(), seen = [];
	const late = () => seen.push('late');

	e.on('x', () => e.removeListener('x', late));
	e.on('x', late);
	e.emit('x');
	e.emit('x');
	assert.deepEqual(seen, ['late']);
});

test('removeAllListeners takes one name, or all', () => {
	const e = new EventEmitter();

	e.on('a', () => {}).on('b', () => {}).on('c', () => {});
	e.removeAllListeners('a');
	assert.deepEqual(['a', 'b', 'c'].map((n) => e.listenerCount(n)), [0, 1, 1]);
	e.removeAllListeners();
	assert.deepEqual(['a', 'b', 'c'].map((n) => e.listenerCount(n)), [0, 0, 0]);
});

test('adding and removing are told', () => {
	const e = new EventEmitter(), seen = [];
	const f = () => {};

	e.on('newListener', (name, fn) => seen.push(['new', name, fn === f]));
	e.on('removeListener', (name, fn) => seen.push(['gone', name, fn === f]));
	e.on('x', f).once('y', f);
	e.removeAllListeners('x');
	e.emit('y');
	assert.deepEqual(seen.slice(1), [['new', 'x', true], ['new', 'y', true], ['gone', 'x', true], ['gone', 'y', false]]);
});

test('what is no listener is refused, and an unheard error throws', () => {
	const e = new EventEmitter();

	for (const wrong of [undefined, null, 5, {}])
		for (const method of ['on', 'once', 'removeListener'])
			assert.throws(() => e[method]('x', wrong), { name: 'TypeError', message: 'listener must be a function' });
	assert.throws(() => e.emit('error', new RangeError('this one')), { name: 'RangeError', message: 'this one' });
	assert.throws(() => e.emit('error', 'text'), { message: 'Uncaught, unspecified "error" event. (text)' });
	e.on('error', () => {});
	assert.equal(e.emit('error', 'text'), true);
	assert.throws(() => e.setMaxListeners(-1), TypeError);
});

test('objects that inherit have listeners of their own, with or without the constructor', () => {
	function Mine() {}
	Mine.prototype = Object.create(EventEmitter.prototype);
	const a = new Mine(), b = new Mine(), c = {};
	EventEmitter.call(c);
	let n = 0;

	a.on('x', () => n++);
	b.emit('x');
	assert.equal(n, 0);
	a.emit('x');
	assert.equal(n, 1);
	assert.deepEqual(Object.keys(a), []);
});

test('too many listeners are told once', (t) => {
	const told = t.mock.method(console, 'error', () => {});
	const e = new EventEmitter();

	for (let i = 0; i < 13; i++)
		e.on('x', () => {});
	e.setMaxListeners(0);
	for (let i = 0; i < 13; i++)
		e.on('y', () => {});
	assert.equal(told.mock.calls.length, 1);
	assert.match(told.mock.calls[0].arguments[0], /11 listeners of "x"/);
});

function recorded(t) {
	const lines = [];
	for (const name of ['log', 'warn', 'error', 'debug'])
		t.mock.method(console, name, (...args) => lines.push([name, ...args]));
	return lines;
}

test('the logger writes lines up to its level, and the label only when debugging', (t) => {
	const lines = recorded(t), factory = new LoggerFactory();
	const text = () => lines.splice(0).map(([name, line]) => `${name} ${line.replace(/^.*?\) \| /, '')}`);

	for (const level of ['error', 'warn', 'log', 'debug'])
		factory.getLogger('cat', 'label')[level](level);
	assert.deepEqual(text(), ['error cat | error', 'warn cat | warn', 'log cat | log']);
	factory.level = 'debug';
	factory.getLogger('cat', 'label').debug('deep');
	assert.deepEqual(text(), ['debug cat | label | deep']);
	factory.level = 0;
	factory.getLogger('cat', 'label').warn('no');
	factory.getLogger('cat').error('yes');
	assert.deepEqual(text(), ['error cat | yes']);
	assert.equal(factory.getLogger('a'), factory.getLogger('a'));
});

test('a connector hears what is logged, the console need not', (t) => {
	const lines = recorded(t), heard = [], factory = new LoggerFactory();

	factory.builtinEnabled = false;
	factory.connector = (...args) => heard.push(args);
	factory.getLogger('cat', 'label').log('text');
	factory.level = 3;
	factory.getLogger('cat', 'label').debug({ an: 'object' });
	assert.deepEqual(heard, [['log', 'cat', undefined, 'text'], ['debug', 'cat', 'label', { an: 'object' }]]);
	assert.deepEqual(lines, []);
});

test('a wrong logging option is told and changes nothing', (t) => {
	const lines = recorded(t), factory = new LoggerFactory();

	for (const [name, good, kept, wrong] of [['level', 'warn', 1, 'loud'], ['level', 9, 3, -1], ['builtinEnabled', true, true,
		'yes'], ['connector', null, null, 5]]) {
		factory[name] = good;
		lines.length = 0;
		factory[name] = wrong;
		assert.equal(factory[name], kept);
		assert.equal(lines[0][0], 'error');
		assert.match(lines[0][1], new RegExp(`sip.loggerfactory \\| invalid "${name}" parameter value: `));
	}
});
