/** As brokers see it in ApiVersions (KIP-511): letters, digits, dots and dashes. */
export const softwareVersion = '0.1.0';
