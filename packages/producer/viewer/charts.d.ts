/** Made by tools/viewer/build.ts of the machines' definitions, and put into the bundle. */
declare module 'kiel:charts' {
  export const charts: readonly import('../../../tools/viewer/layout-format.ts').DrawnChart[];
}
