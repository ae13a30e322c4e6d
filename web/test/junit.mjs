// The results of `node --test` as JUnit XML, which tools/test-summary reads; node 18 has no such reporter.
const escape = (s) => String(s).replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`).replace(/[^\t\n\x20-\ufffd]/g, '?');

export default async function* junit(source) {
	yield '<?xml version="1.0" encoding="utf-8"?>\n<testsuites><testsuite name="web">\n';
	for await (const { type, data } of source) {
		// A file is a test of node's too, whose failure tells nothing that its tests do not: only one that ran none counts.
		if ((type !== 'test:pass' && type !== 'test:fail') || data.details?.type === 'suite')
			continue;
		const error = data.details?.error;
		if (error?.failureType === 'subtestsFailed')
			continue;
		const file = (data.file || '').replace(/.*\/web\//, 'web/');
		yield `<testcase classname="${escape(file || 'web')}" name="${escape(data.name.replace(/.*\/web\//, 'web/'))}">`;
		if (type === 'test:fail')
			yield `<failure message="${escape(error?.cause?.stack || error?.cause?.message || error?.message || 'failed')}"/>`;
		else if (data.skip !== undefined)
			yield `<skipped message="${escape(data.skip)}"/>`;
		yield '</testcase>\n';
	}
	yield '</testsuite></testsuites>\n';
}
