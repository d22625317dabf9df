/** The releases whose definitions are merged and whose classes make the golden vectors: `npm run kafka-release` sets this. */
export const newestRelease = '4.4.0';

/** The last that knows the versions and messages that 4.0 dropped. */
export const olderRelease = '3.9.2';
