/** This folder is a project of its own, whatever lock file lies in a folder above it. */
export default { turbopack: { root: import.meta.dirname } };
