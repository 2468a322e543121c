/** Enters Node's ESM loader and does nothing else. */

export default undefined;
