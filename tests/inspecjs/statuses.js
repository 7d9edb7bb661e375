// Prints, for an exec-json file, the status inspecjs computes for each of its controls:
// {"control id": "Passed", …}. Anything inspecjs does not take as exec-json ends in an error.
const { readFileSync } = require('node:fs');
const { convertFile, hdfWrapControl } = require('inspecjs');

const read = convertFile(readFileSync(process.argv[2], 'utf8'), true)['1_0_ExecJson'];
if (!read) {
  console.error('inspecjs does not take this for exec-json');
  process.exit(1);
}
const statuses = {};
for (const profile of read.profiles) {
  for (const control of profile.controls) {
    const wrapped = hdfWrapControl(control);
    statuses[control.id] = { status: wrapped.status, severity: wrapped.severity, waived: wrapped.waived };
  }
}
console.log(JSON.stringify(statuses));
