/**
 * The reference pages in docs/, made from what the program itself is made of. test/docs.test.ts compares them with the
 * files; `npx vitest run test/docs.test.ts -u` writes them.
 *
 * @module
 */
import type { RegistryEntry } from '../src/cli/registry.ts';
import { allOptions, describeOptions } from '../src/cli/schema-options.ts';
import { catalogue } from '../src/errors.ts';

/** docs/errors.md */
export function errorReference(): string {
  const entries = Object.entries(catalogue).map(
    ([code, { status, meaning, fix }]) =>
      `## ${code}\n\n${meaning}\n\n- What to do: ${fix}\n- HTTP status: ${status}\n`,
  );
  return `# Errors

Every error that Clearword reports has a stable code. The command line prints it as \`error CODE: message\` and
\`fix: what to do\`, and with \`--json\` as \`{ "code", "message", "fix" }\`; the library throws a \`ClearwordError\` with the
same three fields. The message names what was expected, for what, and what came.

${entries.join('\n')}`;
}

/** docs/cli.md */
export async function commandReference(commands: readonly RegistryEntry[]): Promise<string> {
  const sections: string[] = [];
  for (const { name, summary, load } of commands) {
    const definition = await load();
    const { argument } = definition;
    const value = argument === undefined ? '' : ` <${argument.name}${argument.variadic === true ? '...' : ''}>`;
    const options = describeOptions(allOptions(definition)).map(
      ({ flags, text }) => `| \`${flags}\` | ${cell(text)} |`,
    );
    sections.push(`## clearword ${name}

    clearword ${name} [options]${value}

${sentence(summary)}${argument === undefined ? '' : ` \`${argument.name}\`: ${argument.description}.`}

| Option | Meaning |
| --- | --- |
${options.join('\n')}

\`\`\`text
${definition.details}
\`\`\`
`);
  }
  return `# The command line

\`clearword --help\` and \`clearword <command> --help\` show the same.

${sections.join('\n')}`;
}

function cell(text: string): string {
  return sentence(text).replaceAll('|', '\\|');
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}
