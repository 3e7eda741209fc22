/**
 * @module
 */

/** Version of this package. A constant, and not read from package.json, so that a browser has it too; a test compares. */
export const VERSION = '0.1.0';
