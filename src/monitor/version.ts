/** Kept equal to package.json by a test: reading that file at run time would break bundlers. */
export const VERSION = '0.1.0';
