// Shared by the build, the type check and the tests.
export default {
  compilerOptions: { runes: true },
};
