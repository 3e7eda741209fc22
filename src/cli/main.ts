#!/usr/bin/env node
/**
 * The program `clearword`.
 *
 * @module
 */
import { runProcess } from './process.ts';

await runProcess(async (options) => (await import('../clearword.ts')).Clearword.load(options));
