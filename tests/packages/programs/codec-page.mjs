import { report } from './codec.mjs';

globalThis.kielReport = report;
