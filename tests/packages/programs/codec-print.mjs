import { report } from './codec.mjs';

console.log(report());
