/**
 * Every secret of this suite. They stand here and nowhere else, so that the outputs of all tests can be searched
 * for them at the end. None is a word that appears for another reason.
 */
export const secrets = {
  plainPassword: 'zq-plain-0a7f31',
  scram256Password: 'zq-scram256-5d21c8 ½é①',
  scram512Password: 'zq-scram512-91be04',
  wrongPassword: 'zq-wrong-77d1a2',
  clientSecret: 'zq-client-secret-3fe98c',
  keyPassphrase: 'zq-passphrase-64ab10',
  delegationKey: 'zq-delegation-key-c05512',
  awsSecretKey: 'zq-aws-secret+key/8d07e4',
  awsSessionToken: 'zq-aws-session=token/41b9f3',
} as const;
