/**
 * Ends a test run with what was skipped and why, or "Skipped: nothing": a summary that only counts them is easily read over.
 *
 * @module
 */
import type { Reporter, TestModule, Vitest } from 'vitest/node';

/** Names of the tests that did not run, each with those of the blocks around it. */
export function skippedTests(modules: readonly TestModule[]): string[] {
  return modules.flatMap((module) =>
    [...module.children.allTests('skipped')].map((test) => `${module.relativeModuleId}: ${test.fullName}`),
  );
}

export default class SkippedReporter implements Reporter {
  #vitest: Vitest | undefined;

  onInit(vitest: Vitest): void {
    this.#vitest = vitest;
  }

  onTestRunEnd(modules: readonly TestModule[]): void {
    // With -t all other tests are skipped as well, and their names would bury the rest.
    if (this.#vitest?.config.testNamePattern !== undefined) return;
    const skipped = skippedTests(modules);
    console.log(skipped.length === 0 ? 'Skipped: nothing' : ['Skipped:', ...skipped].join('\n  '));
  }
}
